"""Which shard a product goes to, which of several lines with its id counts, in which order."""

import hashlib
from collections.abc import Iterable

from components.manifest_example_gen.labelling import repeated_id
from shelfsort.products.manifest.rejects import Reject
from shelfsort.products.product import LabelledProduct

PRODUCTS_PER_SHARD = 2_000


def shard_count(lines: int) -> int:
    """How many shards a manifest of `lines` lines is divided into; at least 1."""
    return max(1, -(-lines // PRODUCTS_PER_SHARD))


def shard_of(product_id: str, shards: int) -> int:
    """The shard, from 0, of every line with this id."""
    return int.from_bytes(_hash(product_id), "big") % shards


def one_of_each_id(
    products: Iterable[LabelledProduct],
) -> tuple[list[LabelledProduct], list[LabelledProduct], list[Reject]]:
    """The products of one shard, those that a later file supersedes, and lines that repeat an id.

    Within a file the lowest line number keeps the id; of several files the last by name does.
    Products come in the order of their ids' hashes: the same on every run, and unlike the
    manifest's not sorted by category.
    """
    kept: dict[str, LabelledProduct] = {}
    superseded, repeated = [], []
    for product in sorted(products, key=lambda each: (each.file, each.line)):
        earlier = kept.get(product.product.id)
        if earlier is not None and earlier.file == product.file:
            repeated.append(repeated_id(product, earlier.line))
            continue
        if earlier is not None:
            superseded.append(earlier)
        kept[product.product.id] = product
    return sorted(kept.values(), key=lambda each: _hash(each.product.id)), superseded, repeated


def _hash(product_id: str) -> bytes:
    return hashlib.blake2b(product_id.encode("utf-8", "replace"), digest_size=8).digest()
