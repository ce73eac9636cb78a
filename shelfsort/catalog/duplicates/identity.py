"""How many products are the same by what identifies them."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.catalog.database.tables import image, link, pair, product, product_link

KINDS = {
    "text": "title and description",
    "gtin": "GTIN",
    "mpn": "brand and maker's number",
    "variants": "group of variants",
    "picture": "main picture, its bytes",
}
"""By what products are the same, in words."""


@dataclass(frozen=True)
class Repeats:
    """Groups of products that are the same in one way.

    Attributes:
        kind: a key of `KINDS`.
        groups: number of groups of two or more.
        products: number of products in them.
        largest: number of products in the largest group.
    """

    kind: str
    groups: int
    products: int
    largest: int

    @property
    def extra(self) -> int:
        """Number of products that would go if each group kept one."""
        return self.products - self.groups


@dataclass(frozen=True)
class PictureCounts:
    """The decided pairs of pictures.

    Attributes:
        same: number of pairs that are the same picture.
        different: number of pairs that look alike and are not.
    """

    same: int
    different: int


def repeats(connection: Connection) -> list[Repeats]:
    """The groups of each kind among products that their sources still have."""
    present = product.c.gone.is_(None)
    has_text = sa.or_(product.c.title != "", product.c.description != "")
    has_number = sa.and_(product.c.brand != "", product.c.mpn != "")
    keys: dict[str, tuple[list[sa.ColumnElement[Any]], sa.ColumnElement[bool]]] = {
        "text": ([product.c.title, product.c.description], has_text),
        "gtin": ([sa.func.ltrim(product.c.gtin, "0")], product.c.gtin != ""),
        "mpn": ([sa.func.lower(product.c.brand), sa.func.lower(product.c.mpn)], has_number),
        # Number 0: nobody looked for variants.
        "variants": ([product.c.variants], product.c.variants != 0),
    }
    found = [
        _repeats(connection, kind, sa.select(*columns).where(present, wanted), columns)
        for kind, (columns, wanted) in keys.items()
    ]
    return [*found, _repeats(connection, "picture", _main_pictures(), [link.c.image])]


def picture_counts(connection: Connection) -> PictureCounts:
    """Number of decided pairs of pictures by their verdict."""
    statement = sa.select(pair.c.verdict, sa.func.count()).group_by(pair.c.verdict)
    counts: dict[str, int] = dict(connection.execute(statement).tuples().all())
    return PictureCounts(counts.get("same", 0), counts.get("different", 0))


def _main_pictures() -> sa.Select[Any]:
    places = (
        product.join(product_link, product_link.c.product == product.c.id)
        .join(link, link.c.id == product_link.c.link)
        .join(image, image.c.digest == link.c.image)
    )
    return (
        sa.select(link.c.image)
        .select_from(places)
        .where(product.c.gone.is_(None), product_link.c.position == 0, image.c.problem == "")
    )


def _repeats(
    connection: Connection,
    kind: str,
    statement: sa.Select[Any],
    columns: list[sa.ColumnElement[Any]],
) -> Repeats:
    size = sa.func.count().label("size")
    groups = (
        statement.with_only_columns(size, maintain_column_froms=True)
        .group_by(*columns)
        .having(size > 1)
        .subquery()
    )
    counted = sa.select(
        sa.func.count(), sa.func.sum(groups.c.size), sa.func.max(groups.c.size)
    ).select_from(groups)
    row = connection.execute(counted).one()
    return Repeats(kind, int(row[0]), int(row[1] or 0), int(row[2] or 0))
