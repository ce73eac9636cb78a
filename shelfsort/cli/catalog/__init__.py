"""The commands of `shelfsort catalog`, one module each."""
