"""Pages on which people choose a category: the picker that all of them share, and its tree."""
