"""Consolidation methods, one module each, all of the form of `fit.Method`."""
