"""What waits for people: who gets it next, and what an answer leads to."""
