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


def by_id(
    products: Iterable[LabelledProduct],
) -> tuple[list[list[LabelledProduct]], list[LabelledProduct], list[Reject]]:
    """The products of one shard by their ids, and what a later file leaves of earlier ones.

    Within a file the lowest line number that can be used keeps the id; of several files the last by
    name does. Ids come in the order of their hashes: the same on every run, and unlike the
    manifest's not sorted by category.

    Returns:
        For each id the lines of its last file, rising, at least one; products that a later file
        supersedes; and lines that repeat an id in such an earlier file.
    """
    lines: dict[str, list[LabelledProduct]] = {}
    superseded, repeated = [], []
    for product in sorted(products, key=lambda each: (each.file, each.line)):
        earlier = lines.get(product.product.id)
        if earlier and earlier[0].file == product.file:
            earlier.append(product)
            continue
        if earlier:
            first, *others = earlier
            superseded.append(first)
            repeated += [repeated_id(each, first.line) for each in others]
        lines[product.product.id] = [product]
    return sorted(lines.values(), key=lambda each: _hash(each[0].product.id)), superseded, repeated


def _hash(product_id: str) -> bytes:
    return hashlib.blake2b(product_id.encode("utf-8", "replace"), digest_size=8).digest()
