"""Which shard a product goes to, which of several lines with its id counts, in which order."""

import hashlib
from collections.abc import Iterable

from shelfsort.products.manifest.parsing import Product
from shelfsort.products.manifest.rejects import Reject, RejectedLine

PRODUCTS_PER_SHARD = 2_000


def shard_count(lines: int) -> int:
    """How many shards a manifest of `lines` lines is divided into; at least 1."""
    return max(1, -(-lines // PRODUCTS_PER_SHARD))


def shard_of(product_id: str, shards: int) -> int:
    """The shard, from 0, of every line with this id."""
    return int.from_bytes(_hash(product_id), "big") % shards


def one_of_each_id(
    products: Iterable[Product],
) -> tuple[list[Product], list[Product], list[Reject]]:
    """The products of one shard, those that a later file supersedes, and lines that repeat an id.

    Within a file the lowest line number keeps the id; of several files the last by name does.
    Products come in the order of their ids' hashes: the same on every run, and unlike the
    manifest's not sorted by category.
    """
    kept: dict[str, Product] = {}
    superseded, repeated = [], []
    for product in sorted(products, key=lambda each: (each.file, each.line)):
        earlier = kept.get(product.id)
        if earlier is not None and earlier.file == product.file:
            repeated.append(_repeated(product, earlier.line))
            continue
        if earlier is not None:
            superseded.append(earlier)
        kept[product.id] = product
    return sorted(kept.values(), key=lambda each: _hash(each.id)), superseded, repeated


def _repeated(product: Product, first_line: int) -> Reject:
    why = RejectedLine("repeated_id", f"line {first_line} has the id {product.id!r}")
    return Reject.of(product.file, product.line, product.id, product.image, why, product.workers)


def _hash(product_id: str) -> bytes:
    return hashlib.blake2b(product_id.encode("utf-8", "replace"), digest_size=8).digest()
