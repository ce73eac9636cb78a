"""Tools for a category tree: findings, search, roll-up, and what differs between two versions."""
