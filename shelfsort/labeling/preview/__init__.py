"""Shows the page of a Ground Truth task on this machine, and keeps the answers that it submits."""
