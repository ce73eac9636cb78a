"""What of a product is compared from run to run: properties with few possible values each.

Numbers are put into bins of half an octave. TFDV's own comparison of numbers cuts each side's range
into ten equal parts: one price a thousand times too high leaves every other in the first part, and
two halves of the same data then look like two worlds.
"""

import math
import re
import zlib
from dataclasses import dataclass

PROFILE_VERSION = 1
"""Changes with the meaning of a property: only like is compared with like."""

WORD_BUCKETS = 256
_WORD = re.compile(r"\w+")

SOURCES = {
    "category": "category",
    "label_confidence": "label_confidence",
    "title_words": "title",
    "title_length": "title",
    "description_words": "description",
    "description_length": "description",
    "price": "price",
    "has_picture": "image",
    "image_format": "image_format",
    "image_width": "image_width",
    "image_height": "image_height",
}
"""Each property, and the feature of the schema that it comes from."""


@dataclass(frozen=True)
class Product:
    """What is known of a product, as text and numbers; None: this product cannot have it.

    `group` is equal for variants of one product. `category` to `image_height` are known of labelled
    products only, not of those in a request.
    """

    product_id: str
    title: str
    description: str
    price: float | None
    has_picture: bool
    group: int
    category: str | None = None
    label_confidence: float | None = None
    image_format: str | None = None
    image_width: int | None = None
    image_height: int | None = None


def properties(product: Product) -> dict[str, list[bytes]]:
    """The values of each property; absent are those that this product cannot have."""
    found: dict[str, list[bytes]] = {
        "has_picture": [b"yes" if product.has_picture else b"no"],
        "price": [b"none" if product.price is None else half_octave(product.price)],
    }
    for name, text in (("title", product.title), ("description", product.description)):
        words = _WORD.findall(text.casefold())
        found[f"{name}_length"] = [half_octave(len(words))]
        if words:
            found[f"{name}_words"] = sorted(set(map(_bucket, words)))
    # Empty where an inner category is the label.
    if product.category:
        found["category"] = [product.category.encode()]
    if product.label_confidence is not None:
        found["label_confidence"] = [f"{product.label_confidence:.1f}".encode()]
    if product.image_format is not None:
        found["image_format"] = [product.image_format.encode() or b"none"]
    for name in ("image_width", "image_height"):
        pixels = getattr(product, name)
        if pixels is not None:
            found[name] = [half_octave(pixels)]
    return found


def half_octave(value: float) -> bytes:
    """The bin of a number: floor(2 log2(value)); numbers up to 0 and those unbounded stand apart.

    A number that grows by half moves into another bin, whatever its size.
    """
    if math.isnan(value) or math.isinf(value):
        return b"not finite"
    return b"0" if value <= 0 else str(math.floor(2 * math.log2(value))).encode() + b"/2"


def _bucket(word: str) -> bytes:
    """One of WORD_BUCKETS (feature hashing: Weinberger et al. 2009).

    So the number of values does not grow with the products, chance differences stay small, and no
    words leave with the model.
    """
    return str(zlib.crc32(word.encode("utf-8", "replace")) % WORD_BUCKETS).encode()
