"""Variants of one product: the one definition, and the number that travels with each product."""

import hashlib
import re

from shelfsort.core import normal_form
from shelfsort.products.text import as_read

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


def group_key(title: str, image: bytes, description: str) -> str:
    """The key that all variants of one product share.

    This is the only definition of a variant. The key is the normalised title, else the digest of
    the image, else the normalised description: colours under one title share a key, and so do
    copies of one image. Ingestion writes `group_id` of it into every example, where all later
    steps read it.

    Args:
      image: the encoded image, b"" where there is none.
    """
    words = normalised(title)
    if words:
        return "title:" + words
    if image:
        return "image:" + hashlib.blake2b(image, digest_size=16).hexdigest()
    return "description:" + normalised(description)


def group_id(key: str) -> int:
    """A group key as a signed 64-bit number: equal for equal keys, in every run."""
    return int.from_bytes(key_digest(key), "big", signed=True)


def normalised(text: str) -> str:
    """Letters and digits of `text`, compatibility-composed and case-folded, one space between."""
    folded = normal_form.normalised("NFKC", as_read(text).casefold())
    return _NOT_ALPHANUMERIC.sub(" ", folded).strip()


def key_digest(key: str) -> bytes:
    """Eight bytes, the same in every run."""
    return hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest()
