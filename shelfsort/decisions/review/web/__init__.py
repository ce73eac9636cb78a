"""The review page: a local web server on which people decide what was left to them."""
