"""What sets two runs apart: in their data, their settings and their results."""
