"""Curated schemas: the TFDV schema, and the JSON Schemas of manifest and taxonomy."""
