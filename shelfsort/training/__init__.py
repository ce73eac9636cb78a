"""Training: data sets, encoders, towers, calibration and the served graph."""
