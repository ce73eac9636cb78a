"""Products by category: as the sources sort them, and after the crosswalk."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.catalog.crosswalk import IGNORE, Crosswalk
from shelfsort.catalog.database.tables import product

At = tuple[str, str]
"""Name of a source, and a category as it writes it."""


@dataclass(frozen=True)
class Sorted:
    """Products that a source sorts alike.

    Attributes:
        source: its name.
        categories: as it writes them, the most telling first; () for none.
        products: their number.
    """

    source: str
    categories: tuple[str, ...]
    products: int


@dataclass(frozen=True)
class CategoryCounts:
    """Products before and after the crosswalk.

    Attributes:
        before: number of products by their first category.
        after: number of products by leaf id, those of rare leaves included.
        from_: of each leaf, number of products by the category that led there.
        unmapped: number of products without a leaf by their first category.
        ignored: number of products without a leaf, one of whose categories is ignored on purpose.
        uncategorised: number of products without a category.
        several: number of products whose categories mean different leaves, by these.
        least: fewer products than these make a leaf rare.
    """

    before: Mapping[At, int]
    after: Mapping[str, int]
    from_: Mapping[str, Mapping[At, int]]
    unmapped: Mapping[At, int]
    ignored: int
    uncategorised: int
    several: Mapping[tuple[str, ...], int]
    least: int

    @property
    def products(self) -> int:
        """Number of all products."""
        return sum(self.before.values()) + self.uncategorised

    @property
    def mapped(self) -> int:
        """Number of products with a leaf."""
        return sum(self.after.values())

    @property
    def rare(self) -> dict[str, int]:
        """The leaves with too few products."""
        return {leaf: count for leaf, count in self.after.items() if count < self.least}

    @property
    def kept(self) -> dict[str, int]:
        """The leaves with enough products."""
        return {leaf: count for leaf, count in self.after.items() if count >= self.least}


@dataclass(frozen=True)
class Balance:
    """How evenly products lie in categories.

    Attributes:
        categories: their number.
        ratio: products of the largest by those of the smallest.
        effective: exp(-sum of p log p) over the shares p: the number of equally large categories
            that are as diverse (Hill number of order 1; Jost 2006).
    """

    categories: int
    ratio: float
    effective: float


def balance(counts: Mapping[str, int]) -> Balance:
    """The balance of categories by their number of products; all 0 without any."""
    sizes = [count for count in counts.values() if count]
    if not sizes:
        return Balance(0, 0.0, 0.0)
    shares = [size / sum(sizes) for size in sizes]
    entropy = -sum(share * math.log(share) for share in shares)
    return Balance(len(sizes), max(sizes) / min(sizes), math.exp(entropy))


def sorted_products(connection: Connection) -> Iterator[Sorted]:
    """The products that their sources still have, by source and categories."""
    statement = (
        sa.select(product.c.source, product.c.categories, sa.func.count())
        .where(product.c.gone.is_(None))
        .group_by(product.c.source, product.c.categories)
        .order_by(product.c.source, product.c.categories)
    )
    for source, content, count in connection.execute(statement):
        yield Sorted(source, tuple(json.loads(content or "[]")), count)


def category_counts(products: Iterator[Sorted], crosswalk: Crosswalk, least: int) -> CategoryCounts:
    """Counts products before and after the crosswalk."""
    before: Counter[At] = Counter()
    after: Counter[str] = Counter()
    from_: dict[str, Counter[At]] = {}
    unmapped: Counter[At] = Counter()
    several: Counter[tuple[str, ...]] = Counter()
    ignored = uncategorised = 0
    for each in products:
        if not each.categories:
            uncategorised += each.products
            continue
        first = (each.source, each.categories[0])
        before[first] += each.products
        meant = {name: crosswalk.of(each.source, name) for name in each.categories}
        leaves = {name: leaf for name, leaf in meant.items() if leaf not in ("", IGNORE)}
        if not leaves:
            unmapped[first] += each.products
            ignored += each.products if IGNORE in meant.values() else 0
            continue
        name, leaf = next(iter(leaves.items()))
        after[leaf] += each.products
        from_.setdefault(leaf, Counter())[each.source, name] += each.products
        if len(set(leaves.values())) > 1:
            several[tuple(dict.fromkeys(leaves.values()))] += each.products
    ordered = dict(after.most_common())
    return CategoryCounts(
        before,
        ordered,
        {leaf: dict(from_[leaf].most_common()) for leaf in ordered},
        dict(unmapped.most_common()),
        ignored,
        uncategorised,
        dict(several.most_common()),
        least,
    )
