"""From a model's answers to business decisions."""
