"""From people's annotations to labels, and which labels look wrong."""
