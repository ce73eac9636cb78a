"""SchemaImporter: the curated schema as an artifact."""
