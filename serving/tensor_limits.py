"""What the shape of a tensor in a message may claim."""

MAX_RANK = 16
"""Dimensions of a tensor."""
MAX_FILLED_BYTES = 1 << 20
"""A message of a few bytes may claim any shape and leave the values to be filled up."""
