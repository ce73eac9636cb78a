"""A file of products in, a file of answers out."""
