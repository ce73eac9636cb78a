"""What happens day after day: volume, accuracy, back-offs, drift, and what waits for people."""
