"""The component that hands the live model to the Evaluator, to compare the candidate with."""
