"""Tuner: searches settings of the training on a part of the training groups."""
