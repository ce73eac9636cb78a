"""Databases behind one URL: SQLite by default, PostgreSQL in production."""
