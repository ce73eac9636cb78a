"""Candidates that decide beside the live model, whose decisions nobody acts on."""
