"""Rules that turn an answer about a product into a decision."""
