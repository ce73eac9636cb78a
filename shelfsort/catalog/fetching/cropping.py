"""Hosts whose pictures look cut to one shape, as image services deliver them."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.catalog.database.tables import image, link
from shelfsort.core.database.engine import reader

_LEAST_PICTURES = 20
_NEARLY_ALL = 0.9
_PARAMETERS = ("%crop%", "%resize%", "%fit=%", "%?w=%", "%&w=%", "%?h=%", "%&h=%", "%width=%")


@dataclass(frozen=True)
class CroppedHost:
    """A host with a suspicion; a shop may also photograph everything in one shape.

    Attributes:
        host: its name.
        pictures: number of its pictures.
        square: share of them that are exactly as wide as high.
        one_size: share of them that have the most frequent size.
        size: that size, width and height in pixels.
        parameters: share of their addresses that name a size or a crop.
    """

    host: str
    pictures: int
    square: float
    one_size: float
    size: tuple[int, int]
    parameters: float


def cropped_hosts(engine: Engine) -> list[CroppedHost]:
    """Hosts with at least 20 pictures, of which at least 90 % agree in what cropping leaves.

    That is an exact square, one size, or an address that names a size or a crop.
    """
    named = sa.or_(*(link.c.url.like(pattern) for pattern in _PARAMETERS))
    sizes = (
        sa.select(
            link.c.host,
            image.c.width,
            image.c.height,
            sa.func.count(),
            sa.func.sum(sa.case((named, 1), else_=0)),
        )
        .join(image, image.c.digest == link.c.image)
        .group_by(link.c.host, image.c.width, image.c.height)
        .order_by(link.c.host)
    )
    found: list[CroppedHost] = []
    with reader(engine) as connection:
        rows: list[tuple[int, int, int, int]] = []
        current = ""
        for host, *size in connection.execute(sizes):
            if host != current:
                found += _suspected(current, rows)
                current, rows = host, []
            rows.append((int(size[0]), int(size[1]), int(size[2]), int(size[3])))
        found += _suspected(current, rows)
    return found


def _suspected(host: str, rows: list[tuple[int, int, int, int]]) -> list[CroppedHost]:
    pictures = sum(number for _, _, number, _ in rows)
    if pictures < _LEAST_PICTURES:
        return []
    width, height, most, _ = max(rows, key=lambda row: row[2])
    square = sum(number for w, h, number, _ in rows if w == h) / pictures
    named = sum(number for _, _, _, number in rows) / pictures
    one_size = most / pictures
    if max(square, one_size, named) < _NEARLY_ALL:
        return []
    return [CroppedHost(host, pictures, square, one_size, (width, height), named)]
