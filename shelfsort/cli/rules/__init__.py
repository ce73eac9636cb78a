"""The commands `shelfsort rules …`."""
