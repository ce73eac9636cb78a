"""Images of products: where they come from, their checks, and their decoding."""
