"""A few pictures of each class, small, for people to look at."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.catalog.database.tables import image, link, product, product_link
from shelfsort.catalog.output.figures import class_of
from shelfsort.catalog.output.pictures import Pictures
from shelfsort.catalog.output.selection import Label
from shelfsort.products.images.checks import refuse_costly
from shelfsort.products.images.headers import MAX_IMAGE_PIXELS
from shelfsort.products.images.thumbnails import thumbnail
from shelfsort.products.manifest.rejects import RejectedLine

SIDE = 160
MAX_BYTES = 20_000_000
_LOOKED_AT = 5_000


@dataclass(frozen=True)
class Thumbnail:
    """A small picture.

    Attributes:
        picture: JPEG as a data URI, at most `SIDE` x `SIDE` pixels; "" where it cannot be shown.
        title: of a product that shows it.
        note: such as its size in pixels.
    """

    picture: str
    title: str
    note: str


@dataclass(frozen=True)
class SheetRow:
    """A class and some of its pictures."""

    name: str
    thumbnails: Sequence[Thumbnail]


@dataclass(frozen=True)
class _Shown:
    digest: str
    format: str
    title: str
    note: str


def contact_sheet(
    connection: Connection,
    pictures: Pictures,
    classes: Iterable[str],
    label: Label | None = None,
    each: int = 6,
) -> list[SheetRow]:
    """Pictures of products on sale. The digests decide which, so they are a random sample.

    Args:
        connection: of the crawl database.
        pictures: the store.
        classes: names, in the order of the rows.
        label: as the figures were taken with.
        each: most pictures of a class.
    """
    found: dict[str, list[_Shown]] = {name: [] for name in classes}
    missing = len(found) * each
    for name, shown in _sample(connection, label):
        row = found.get(name)
        if row is None or len(row) == each or any(it.digest == shown.digest for it in row):
            continue
        row.append(shown)
        missing -= 1
        if not missing:
            break
    return [
        SheetRow(name, [_thumbnail(pictures, shown) for shown in row])
        for name, row in found.items()
        if row
    ]


def shared_pictures(
    connection: Connection, pictures: Pictures, shared: Counter[str]
) -> list[Thumbnail]:
    """Pictures of several products, each with one of their titles.

    Args:
        connection: of the crawl database.
        pictures: the store.
        shared: number of products by digest.
    """
    found = []
    for digest, products in shared.most_common():
        row = connection.execute(_shown().where(image.c.digest == digest).limit(1)).one_or_none()
        if row is not None:
            shown = _Shown(digest, row.format, row.title, f"{products:,} products")
            found.append(_thumbnail(pictures, shown))
    return found


def _sample(connection: Connection, label: Label | None) -> Iterator[tuple[str, _Shown]]:
    statement = _shown().where(product_link.c.position == 0).order_by(image.c.digest)
    for row in connection.execute(statement.limit(_LOOKED_AT)):
        name = class_of(row.source, tuple(json.loads(row.categories or "[]")), label)
        if name is not None:
            note = f"{row.width:,} x {row.height:,} pixels"
            yield name, _Shown(row.digest, row.format, row.title, note)


def _shown() -> sa.Select[tuple[str, str, str, str, str, int, int]]:
    return (
        sa.select(
            *(product.c.source, product.c.categories, product.c.title),
            *(image.c.digest, image.c.format, image.c.width, image.c.height),
        )
        .join(product_link, product_link.c.product == product.c.id)
        .join(link, link.c.id == product_link.c.link)
        .join(image, image.c.digest == link.c.image)
        .where(product.c.gone.is_(None), image.c.problem == "")
    )


def _thumbnail(pictures: Pictures, shown: _Shown) -> Thumbnail:
    """The picture in bounds: a stranger chose the bytes, and they may have changed since."""
    try:
        content = pictures.read_named(shown.digest, shown.format, MAX_BYTES + 1)
        refuse_costly(content, MAX_IMAGE_PIXELS)
        small = thumbnail(content, SIDE) if len(content) <= MAX_BYTES else None
    except (OSError, RejectedLine):
        small = None
    return Thumbnail(small or "", shown.title, shown.note if small else "cannot be shown")
