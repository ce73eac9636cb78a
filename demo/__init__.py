"""The made catalogue of `shelfsort demo`."""
