"""Ids that are places of images: their folders often name the category."""

import posixpath

from shelfsort.products.product import Product


def is_path_id(product: Product) -> bool:
    """Whether a product is known by the place of its image, or by another path."""
    id_ = product.id
    return "/" in id_ or "\\" in id_ or id_ == posixpath.basename(product.image)
