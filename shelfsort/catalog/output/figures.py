"""The figures of a catalogue: what the report and the notebook show."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.catalog.database.tables import (
    image,
    link,
    pair,
    product,
    product_link,
    pull,
    source,
)
from shelfsort.catalog.fetching.links import is_due
from shelfsort.catalog.importing.reasons import Reasons
from shelfsort.catalog.output.selection import Label

GOOD, UNTRIED = "good", ""
ALIVE = (GOOD, "reachable")
"""States of links that led to a picture."""
_PASSES, _HOSTS, _SHARED = 5, 20, 6
SIDES = (0, 100, 200, 400, 800, 1_600)
"""Lower ends, in pixels, of the classes that shorter sides fall into."""
AGES = (0, 7, 30, 90, 365)
"""Lower ends, in days, of the classes that the ages of links fall into."""


@dataclass(frozen=True)
class Pass:
    """A pass over a source.

    Attributes:
        started, ended: UTC; `ended` is None while it runs and after a kill.
        outcome: such as "whole" or "refused"; "" where it has not ended.
        rows, new, changed, gone, rejected: numbers, as in the table `pull`.
        reasons: number of rows and addresses in quarantine by reason.
    """

    started: datetime
    ended: datetime | None
    outcome: str
    rows: int
    new: int
    changed: int
    gone: int
    rejected: int
    reasons: Counter[str]


@dataclass(frozen=True)
class SourceFigures:
    """A source.

    Attributes:
        name, type, licence: as in the settings.
        on_sale: products that it has.
        gone: products that it had.
        pictured: products on sale with a picture that may be used.
        passes: the last ones, the newest first.
    """

    name: str
    type: str
    licence: str
    on_sale: int
    gone: int
    pictured: int
    passes: tuple[Pass, ...]


@dataclass(frozen=True)
class LinkFigures:
    """Links of a host, or of an age.

    Attributes:
        name: of the host, or the age in words.
        states: number of links by state.
    """

    name: str
    states: Counter[str]

    @property
    def total(self) -> int:
        return sum(self.states.values())

    @property
    def tried(self) -> int:
        return self.total - self.states[UNTRIED]

    @property
    def dead(self) -> int:
        """Links that led to no picture when they were last tried."""
        return self.tried - sum(self.states[state] for state in ALIVE)

    @property
    def dead_share(self) -> float | None:
        """Of the links tried; None where none was."""
        return self.dead / self.tried if self.tried else None


@dataclass(frozen=True)
class Shared:
    """A picture of several products: `digest`, and their number."""

    digest: str
    products: int


@dataclass(frozen=True)
class Duplicates:
    """What is there more than once, among the products on sale.

    Attributes:
        pictures: pictures of more than one product.
        products: products that show one of these.
        most: pictures of the most products.
        pairs: number of pairs that look alike, by the verdict of the second check.
        groups: groups of variants with more than one product.
        variants: products in these.
    """

    pictures: int
    products: int
    most: tuple[Shared, ...]
    pairs: Counter[str]
    groups: int
    variants: int


@dataclass(frozen=True)
class Figures:
    """A catalogue.

    Attributes:
        taken: when the figures were taken, UTC.
        sources: by name.
        classes: products on sale by leaf; by the first category of their source where there is no
            tree. The most frequent first.
        unmapped: source categories that mean no leaf, and their products on sale.
        uncategorised: products on sale without a category.
        links: links by state.
        due: links that are to be tried now: never tried, or failed a while ago.
        hosts: those with the most links first.
        ages: by the time since the first product with the link was stored.
        sides: pictures by the lower end of the class of their shorter side.
        formats: pictures by format.
        problems: pictures that are not used, by reason.
        bytes: of all pictures.
        duplicates: what is there more than once.
    """

    taken: datetime
    sources: tuple[SourceFigures, ...]
    classes: Counter[str]
    unmapped: Counter[str]
    uncategorised: int
    links: LinkFigures
    due: int
    hosts: tuple[LinkFigures, ...]
    ages: tuple[LinkFigures, ...]
    sides: Counter[int]
    formats: Counter[str]
    problems: Counter[str]
    bytes: int
    duplicates: Duplicates
    mapped: bool = field(default=False)

    @property
    def on_sale(self) -> int:
        """Products on sale in all sources."""
        return sum(each.on_sale for each in self.sources)

    @property
    def pictured(self) -> int:
        """Products on sale with a picture that may be used."""
        return sum(each.pictured for each in self.sources)

    @property
    def pictures(self) -> int:
        """Pictures in the store that may be used."""
        return sum(self.sides.values())


def catalogue_figures(
    connection: Connection, taken: datetime, label: Label | None = None
) -> Figures:
    """Takes all figures from one state of the database.

    Args:
        connection: as `core.database.engine.reader` opens it.
        taken: moment that ages end at.
        label: what categories mean; None where there is no tree.
    """
    classes, unmapped, uncategorised = _classes(connection, label)
    return Figures(
        taken=taken,
        sources=_sources(connection),
        classes=classes,
        unmapped=unmapped,
        uncategorised=uncategorised,
        links=LinkFigures("all", _counter(connection, link.c.state, link)),
        due=_number(connection, link, is_due(taken)),
        hosts=_hosts(connection),
        ages=_ages(connection, taken),
        sides=_sides(connection),
        formats=_counter(connection, image.c.format, image),
        problems=_counter(connection, image.c.problem, image, image.c.problem != ""),
        bytes=connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(image.c.bytes), 0))) or 0,
        duplicates=_duplicates(connection),
        mapped=label is not None,
    )


def _number(connection: Connection, table: sa.FromClause, *where: Any) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0


def _counter(
    connection: Connection, column: Any, table: sa.FromClause, *where: Any
) -> Counter[Any]:
    found = sa.select(column, sa.func.count()).select_from(table).where(*where).group_by(column)
    return Counter(dict(connection.execute(found).tuples().all()))


def _pictured() -> sa.Select[Any]:
    """Numbers of the products with a picture that may be used."""
    return (
        sa.select(product_link.c.product)
        .join(link, link.c.id == product_link.c.link)
        .join(image, image.c.digest == link.c.image)
        .where(image.c.problem == "")
    )


def _sources(connection: Connection) -> tuple[SourceFigures, ...]:
    on_sale = product.c.gone.is_(None)
    now = _counter(connection, product.c.source, product, on_sale)
    gone = _counter(connection, product.c.source, product, ~on_sale)
    pictured = _counter(
        connection, product.c.source, product, on_sale, product.c.id.in_(_pictured())
    )
    named = sa.select(source).order_by(source.c.name)
    return tuple(
        SourceFigures(
            each.name,
            each.type,
            each.licence,
            now[each.name],
            gone[each.name],
            pictured[each.name],
            _passes(connection, each.name),
        )
        for each in connection.execute(named).all()
    )


def _passes(connection: Connection, name: str) -> tuple[Pass, ...]:
    newest = sa.select(pull).where(pull.c.source == name).order_by(pull.c.id.desc())
    return tuple(
        Pass(
            *(each.started, each.ended, each.outcome, each.rows),
            *(each.new, each.changed, each.gone, each.rejected),
            Counter({code: why.number for code, why in Reasons.read(each.reasons).of.items()}),
        )
        for each in connection.execute(newest.limit(_PASSES)).all()
    )


def _classes(connection: Connection, label: Label | None) -> tuple[Counter[str], Counter[str], int]:
    found = (
        sa.select(product.c.source, product.c.categories, sa.func.count())
        .where(product.c.gone.is_(None))
        .group_by(product.c.source, product.c.categories)
    )
    classes: Counter[str] = Counter()
    unmapped: Counter[str] = Counter()
    uncategorised = 0
    for name, content, count in connection.execute(found):
        categories = tuple(json.loads(content or "[]"))
        meant = class_of(name, categories, label)
        if not categories:
            uncategorised += count
        elif meant is None:
            unmapped[categories[0]] += count
        else:
            classes[meant] += count
    return classes, unmapped, uncategorised


def class_of(name: str, categories: tuple[str, ...], label: Label | None) -> str | None:
    """The class that a product counts in; None where its categories mean none."""
    if not categories:
        return None
    return categories[0] if label is None else label(name, categories)


def _hosts(connection: Connection) -> tuple[LinkFigures, ...]:
    many = sa.func.count()
    most = sa.select(link.c.host).group_by(link.c.host).order_by(many.desc(), link.c.host)
    hosts = connection.execute(most.limit(_HOSTS)).scalars().all()
    found = (
        sa.select(link.c.host, link.c.state, many)
        .where(link.c.host.in_(hosts))
        .group_by(link.c.host, link.c.state)
    )
    states: dict[str, Counter[str]] = {host: Counter() for host in hosts}
    for host, state, count in connection.execute(found):
        states[host][state] = count
    return tuple(LinkFigures(host, each) for host, each in states.items())


def _ages(connection: Connection, taken: datetime) -> tuple[LinkFigures, ...]:
    seen = (
        sa.select(link.c.state, sa.func.min(product.c.first_seen).label("seen"))
        .select_from(link)
        .join(product_link, product_link.c.link == link.c.id)
        .join(product, product.c.id == product_link.c.product)
        .group_by(link.c.id, link.c.state)
        .subquery()
    )
    # The oldest first: the first limit that a link is not younger than is its class.
    limits = [(taken - timedelta(days=days), days) for days in reversed(AGES)]
    age = sa.case(*((seen.c.seen <= moment, days) for moment, days in limits), else_=0)
    found = sa.select(age, seen.c.state, sa.func.count()).group_by(age, seen.c.state)
    states: dict[int, Counter[str]] = {days: Counter() for days in AGES}
    for days, state, count in connection.execute(found):
        states[days][state] += count
    return tuple(LinkFigures(_range(AGES, days, "days"), states[days]) for days in AGES)


def _sides(connection: Connection) -> Counter[int]:
    shorter = sa.case((image.c.width < image.c.height, image.c.width), else_=image.c.height)
    side = sa.case(*((shorter >= least, least) for least in reversed(SIDES)), else_=0)
    return _counter(connection, side, image, image.c.problem == "")


def side_range(least: int) -> str:
    """The class of shorter sides that begins at `least`, in words."""
    return _range(SIDES, least, "pixels")


def _range(limits: Sequence[int], least: int, unit: str) -> str:
    later = limits[limits.index(least) + 1 :]
    if not later:
        return f"{least:,} {unit} and more"
    return f"{least:,} to {later[0] - 1:,} {unit}" if least else f"under {later[0]:,} {unit}"


def _duplicates(connection: Connection) -> Duplicates:
    products = sa.func.count(sa.distinct(product.c.id))
    shared = (
        sa.select(link.c.image.label("digest"), products.label("products"))
        .join(product_link, product_link.c.link == link.c.id)
        .join(product, product.c.id == product_link.c.product)
        .join(image, image.c.digest == link.c.image)
        .where(product.c.gone.is_(None), image.c.problem == "")
        .group_by(link.c.image)
        .having(products > 1)
    )
    counted = shared.subquery()
    most = shared.order_by(products.desc(), link.c.image).limit(_SHARED)
    showing = (
        sa.select(products)
        .join(product_link, product_link.c.product == product.c.id)
        .join(link, link.c.id == product_link.c.link)
        .where(product.c.gone.is_(None), link.c.image.in_(sa.select(counted.c.digest)))
    )
    groups = (
        sa.select(sa.func.count().label("products"))
        .where(product.c.gone.is_(None), product.c.variants != 0)
        .group_by(product.c.variants)
        .having(sa.func.count() > 1)
        .subquery()
    )
    number, variants = connection.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(groups.c.products), 0))
    ).one()
    return Duplicates(
        _number(connection, counted),
        connection.scalar(showing) or 0,
        tuple(Shared(each.digest, each.products) for each in connection.execute(most)),
        _counter(connection, pair.c.verdict, pair),
        number,
        int(variants),
    )
