"""What leaves the catalogue: manifests, image sets and the report."""
