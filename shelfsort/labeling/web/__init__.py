"""The labelling page: a local web server on which people name the category of products."""
