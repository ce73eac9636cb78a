"""What a crawl database holds, in numbers."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.catalog.database.tables import image, link, product, pull, source

_HOSTS = 20


@dataclass(frozen=True)
class SourceCounts:
    """A source.

    Attributes:
        name: as in the settings.
        type: kind of source.
        products: that it has now.
        gone: products that it had once.
        last: when its last pass ended; None where none has.
        outcome: of that pass.
    """

    name: str
    type: str
    products: int
    gone: int
    last: datetime | None
    outcome: str


@dataclass(frozen=True)
class Counts:
    """A crawl database.

    Attributes:
        sources: by name.
        links: number by state; "" is the state of those that nobody has tried.
        hosts: number of links and of good ones of the 20 hosts with the most.
        all_hosts: number of hosts.
        images: different pictures in the store.
        usable: images without a problem.
    """

    sources: tuple[SourceCounts, ...]
    links: dict[str, int]
    hosts: dict[str, tuple[int, int]]
    all_hosts: int
    images: int
    usable: int


def counts(connection: Connection) -> Counts:
    """Counts everything, in one state of the database."""
    many = sa.func.count()
    states = sa.select(link.c.state, many).group_by(link.c.state).order_by(link.c.state)
    good = sa.func.sum(sa.case((link.c.state == "good", 1), else_=0))
    hosts = (
        sa.select(link.c.host, many, good)
        .group_by(link.c.host)
        .order_by(many.desc(), link.c.host)
        .limit(_HOSTS)
    )
    usable = sa.func.count(sa.case((image.c.problem == "", 1)))
    images = connection.execute(sa.select(many, usable).select_from(image)).one()
    return Counts(
        _sources(connection),
        dict(connection.execute(states).tuples().all()),
        {host: (number, int(alive)) for host, number, alive in connection.execute(hosts)},
        connection.execute(sa.select(sa.func.count(link.c.host.distinct()))).scalar_one(),
        *images,
    )


def _sources(connection: Connection) -> tuple[SourceCounts, ...]:
    gone = sa.func.count(product.c.gone)
    per_source = sa.select(product.c.source, sa.func.count() - gone, gone).group_by(
        product.c.source
    )
    products = {name: (now, lost) for name, now, lost in connection.execute(per_source)}
    newest = sa.select(sa.func.max(pull.c.id)).where(pull.c.ended.is_not(None))
    last = sa.select(pull.c.source, pull.c.ended, pull.c.outcome).where(
        pull.c.id.in_(newest.group_by(pull.c.source))
    )
    passes = {name: (ended, outcome) for name, ended, outcome in connection.execute(last)}
    named = sa.select(source.c.name, source.c.type).order_by(source.c.name)
    return tuple(
        SourceCounts(name, kind, *products.get(name, (0, 0)), *passes.get(name, (None, "")))
        for name, kind in connection.execute(named)
    )
