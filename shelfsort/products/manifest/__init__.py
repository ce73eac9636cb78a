"""Labelled manifests: lines, their labels, and why a line is left out."""
