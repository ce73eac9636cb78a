"""The component that compares a run's products with those the live model was trained on."""
