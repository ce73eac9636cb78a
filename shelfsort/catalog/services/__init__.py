"""What the sources over HTTP stand on: requests with their key and pace, JSON paths, and paging."""
