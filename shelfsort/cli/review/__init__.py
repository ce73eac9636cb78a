"""The commands `shelfsort review …`."""
