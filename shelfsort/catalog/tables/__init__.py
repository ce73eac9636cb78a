"""Rows of tables: which column holds what, how cells are read, and how files are written."""
