"""Commands around the model server."""
