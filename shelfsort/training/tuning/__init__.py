"""The search of settings: trials on a part of the training groups, by cross-fitted coverage."""
