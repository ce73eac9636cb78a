"""Alembic revisions of the crawl database, the oldest first."""
