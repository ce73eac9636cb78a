"""A category tree beside its labels: counts, confusion, and a page that shows both."""
