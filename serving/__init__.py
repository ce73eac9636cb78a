"""What answers for products: server, client, model versions."""
