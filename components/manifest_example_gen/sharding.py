"""Which shard a product goes to, which of several lines with its id counts, in which order."""

import hashlib
from collections.abc import Iterable

from components.manifest_example_gen.manifest import Product
from components.manifest_example_gen.rejects import Reject, RejectedLine

PRODUCTS_PER_SHARD = 2_000


def shard_count(lines: int) -> int:
    """How many shards a manifest of `lines` lines is divided into; at least 1."""
    return max(1, -(-lines // PRODUCTS_PER_SHARD))


def shard_of(product_id: str, shards: int) -> int:
    """The shard, from 0, of every line with this id."""
    return int.from_bytes(_hash(product_id), "big") % shards


def first_of_each_id(products: Iterable[Product]) -> tuple[list[Product], list[Reject]]:
    """The products of one shard, and the lines that repeat an id.

    The lowest line number keeps the id. Products come in the order of their ids' hashes: the
    same on every run, and unlike the manifest's not sorted by category.
    """
    kept: dict[str, Product] = {}
    repeated = []
    for product in sorted(products, key=lambda each: each.line):
        first = kept.setdefault(product.id, product)
        if first is not product:
            why = RejectedLine("repeated_id", f"line {first.line} has the id {product.id!r}")
            repeated.append(
                Reject.of(product.line, product.id, product.image, why, product.workers)
            )
    return sorted(kept.values(), key=lambda each: _hash(each.id)), repeated


def _hash(product_id: str) -> bytes:
    return hashlib.blake2b(product_id.encode("utf-8", "replace"), digest_size=8).digest()
