"""One pass over a source: read, judged as a whole, and only then stored."""
