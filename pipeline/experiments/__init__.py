"""What was tried: the list of runs, their comparison, and plots."""
