"""Trainer: towers, heads, calibration and the served model."""
