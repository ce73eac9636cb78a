"""The group `shelfsort database`."""
