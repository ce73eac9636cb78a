"""Backups of databases and files of answers: one file each, checked before it is restored."""
