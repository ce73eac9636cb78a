"""Holds the examples' statistics against the schema, and stops the run where they differ."""
