"""What turns answers of people into labels: the category tree and consolidation."""
