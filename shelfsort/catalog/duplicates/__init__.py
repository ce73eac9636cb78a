"""Products and pictures that are the same: exact ones by digest, near ones by their looks."""
