"""The Evaluator: scores the served model and decides, from TFMA's numbers, if it may go live."""
