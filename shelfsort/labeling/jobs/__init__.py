"""A labelling job before people answer: its products, its request, its cost."""
