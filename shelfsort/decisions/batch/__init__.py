"""Decides about every product of a file, and keeps the decisions."""
