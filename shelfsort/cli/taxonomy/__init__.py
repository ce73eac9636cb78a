"""`shelfsort taxonomy`: tools for category trees."""
