"""Shelfsort's TFMA metrics, one file each, over rows of scored products."""
