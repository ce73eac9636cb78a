"""The demo: a catalogue drawn and written from a seed, and what is run on it."""
