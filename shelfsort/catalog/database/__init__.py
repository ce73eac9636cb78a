"""The crawl database: products, links, attempts, images and their history."""
