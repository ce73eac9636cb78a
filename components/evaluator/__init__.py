"""The Evaluator: scores the served model, summarises through TFMA, and decides whether it may go live."""
