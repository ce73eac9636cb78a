"""Products and the category tree, manifests and images."""
