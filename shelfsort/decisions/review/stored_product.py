"""A product as it was when it was decided about."""

import json

from shelfsort.products.product import Product


def product_of(id_: str, stored: str) -> Product:
    """The product as it was when it was decided about.

    Args:
        id_: of the product.
        stored: JSON of what people see of it, as the table `prediction` keeps it.
    """
    shown = json.loads(stored or "{}")
    return Product(
        id_,
        str(shown.get("title") or ""),
        str(shown.get("description") or ""),
        shown.get("price"),
        str(shown.get("image") or ""),
    )
