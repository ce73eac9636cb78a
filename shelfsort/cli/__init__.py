"""The `shelfsort` command."""
