"""`shelfsort labels`: asks people for labels, and turns their answers into labels."""
