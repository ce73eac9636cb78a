"""Products before they have labels: sources, crawl database, images, cleaning and manifests."""
