"""Repairs the texts of products when they leave the crawl database, which keeps the originals."""
