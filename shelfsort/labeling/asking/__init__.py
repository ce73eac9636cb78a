"""Asking less: which products need another answer, and which a model can label."""
