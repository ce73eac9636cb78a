"""Alembic revisions of the results database, the oldest first."""
