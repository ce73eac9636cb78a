"""Which links are to be fetched, read host by host in bounded pieces."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.catalog.database.tables import link, product, product_link
from shelfsort.core.database.engine import reader


@dataclass(slots=True)
class Link:
    """A link to fetch.

    Attributes:
        id: number of the link.
        url: its address.
        attempts: failures in a row so far.
        etag: of the picture that it led to, "" for none.
        last_modified: likewise.
        image: digest of that picture, None for none.
        tries: in this run.
    """

    id: int
    url: str
    attempts: int
    etag: str
    last_modified: str
    image: str | None
    tries: int = 0


def is_due(at: datetime) -> sa.ColumnElement[bool]:
    """Whether a link is to be tried: never tried, or due by then, of a product that is not gone."""
    return sa.and_(sa.or_(link.c.state == "", link.c.due <= at), _used())


def _used() -> sa.ColumnElement[bool]:
    return sa.exists().where(
        product_link.c.link == link.c.id,
        product_link.c.product == product.c.id,
        product.c.gone.is_(None),
    )


class DueLinks:
    """The links that a run is to fetch: those never tried, and those due by the schedule."""

    def __init__(self, engine: Engine, began: datetime, retry: Sequence[str] = ()):
        """Reads nothing yet.

        Args:
            engine: of the crawl database.
            began: when the run began; links that were tried later are left out.
            retry: classes of links to fetch in their stead, due or not.
        """
        self._engine = engine
        untried = sa.or_(link.c.checked.is_(None), link.c.checked < began)
        chosen = sa.and_(link.c.state.in_(retry), _used()) if retry else is_due(began)
        self.wanted = sa.and_(chosen, untried)

    def hosts(self) -> deque[tuple[str, int]]:
        """The hosts and their numbers of links, those with most links first."""
        many = sa.func.count()
        select = sa.select(link.c.host, many).where(self.wanted).group_by(link.c.host)
        with reader(self._engine) as connection:
            rows = connection.execute(select.order_by(many.desc(), link.c.host))
            return deque((str(host), int(number)) for host, number in rows)

    def sample(self, host: str, after: int, at_most: int) -> list[Link]:
        """Links spread over all links of a host that come after one, in their order.

        Args:
            host: as links name it.
            after: number of the last link that was read before.
            at_most: links.
        """
        there = (link.c.host == host) & (link.c.id > after)
        found: dict[int, Link] = {}
        with reader(self._engine) as connection:
            ends = sa.select(sa.func.min(link.c.id), sa.func.max(link.c.id)).where(there)
            first, last = connection.execute(ends).one()
            for number in range(at_most if first is not None else 0):
                start = first + round((last - first) * (number + 0.5) / at_most)
                given = {"of": host, "after": start - 1, "most": 1}
                row = connection.execute(self._next(), given).first()
                if row is not None:
                    found.setdefault(row.id, Link(*row))
        return list(found.values())

    def read(self, asked: Sequence[tuple[str, int]], at_most: int) -> list[list[Link]]:
        """The next links of some hosts.

        Args:
            asked: hosts, each with the number of the last link that was read before.
            at_most: links of each host.
        """
        select = self._next()
        with reader(self._engine) as connection:
            return [
                [
                    Link(*row)
                    for row in connection.execute(
                        select, {"of": host, "after": after, "most": at_most}
                    )
                ]
                for host, after in asked
            ]

    def _next(self) -> sa.Select[Any]:
        """The first `most` links of the host `of` after the link `after`."""
        columns = (link.c.id, link.c.url, link.c.attempts, link.c.etag, link.c.last_modified)
        return (
            sa.select(*columns, link.c.image)
            .where(link.c.host == sa.bindparam("of"), link.c.id > sa.bindparam("after"))
            .where(self.wanted)
            .order_by(link.c.id)
            .limit(sa.bindparam("most"))
        )
