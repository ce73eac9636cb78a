"""Deletes what a source gave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.catalog.database.tables import (
    link,
    product,
    product_link,
    pull,
    quarantine,
    source,
    stage,
)
from shelfsort.catalog.fetching.removal import remove_unused
from shelfsort.catalog.importing.locks import only_one
from shelfsort.core.database.engine import reader

_AT_ONCE = 5_000
_IDS_AT_ONCE = 500


@dataclass(frozen=True)
class Belongings:
    """What a source gave.

    Attributes:
        products: number that it has or had.
        links: number of addresses that only its products use.
        images: number of different ones that only such links lead to.
    """

    products: int
    links: int
    images: int


def belongings(engine: Engine, name: str) -> Belongings:
    """Counts what `delete_source` would delete, beside what was without use before."""
    return _counted(engine, product.c.source == name)


def belongings_of_gone(engine: Engine, before: datetime) -> Belongings:
    """Counts what `delete_pictures_of_gone` would delete; its products stay."""
    return _counted(engine, _gone(before) & _has_pictures())


def _counted(engine: Engine, which: sa.ColumnElement[bool]) -> Belongings:
    uses = sa.select(product_link.c.link).join(product, product.c.id == product_link.c.product)
    own = uses.where(which)
    others = uses.where(sa.not_(which))
    links = link.c.id.in_(own) & link.c.id.not_in(others)
    kept = sa.select(link.c.image).where(~links, link.c.image.is_not(None))
    images = sa.select(sa.func.count(link.c.image.distinct())).where(
        links, link.c.image.not_in(kept)
    )
    many = sa.func.count()
    with reader(engine) as connection:
        return Belongings(
            connection.scalar(sa.select(many).select_from(product).where(which)) or 0,
            connection.scalar(sa.select(many).select_from(link).where(links)) or 0,
            connection.scalar(images) or 0,
        )


def is_known(engine: Engine, name: str) -> bool:
    """Whether the database has ever seen a source."""
    with reader(engine) as connection:
        found = connection.execute(sa.select(source.c.name).where(source.c.name == name))
        return found.first() is not None


def delete_source(engine: Engine, name: str, store: str) -> Belongings:
    """Deletes the products of a source with their history, its passes and its quarantine.

    Links that no product uses any more go, too, and images that no link leads to, with their files.
    After a kill, the next call goes on: the source itself is forgotten last.

    Args:
        engine: of the crawl database.
        name: of the source.
        store: place of the images.

    Returns:
        What was deleted.

    Raises:
        InputError: the source is being imported, or pictures are being fetched.
        OSError: the store cannot be written.
    """
    with only_one(engine, name):
        products = _delete_products(engine, name)
        removed = remove_unused(engine, store)
        with engine.begin() as connection:
            connection.execute(sa.delete(source).where(source.c.name == name))
    return Belongings(products, removed.links, removed.images)


def delete_pictures_of_gone(engine: Engine, store: str, before: datetime) -> Belongings:
    """Deletes the pictures of products that are gone, and all others that nothing uses any more.

    The products stay, with their texts and history. One that returns gets its links again.

    Args:
        engine: of the crawl database.
        store: place of the images.
        before: products that were gone by then lose their pictures.

    Returns:
        The products that lost pictures, and the links and images that were deleted.

    Raises:
        InputError: a source of them is being imported, or pictures are being fetched.
        OSError: the store cannot be written.
    """
    which = _gone(before) & _has_pictures()
    with reader(engine) as connection:
        sources = connection.execute(sa.select(product.c.source.distinct()).where(which))
        names = sorted(sources.scalars())
    products = 0
    for name in names:
        with only_one(engine, name):
            products += _empty(engine, which & (product.c.source == name))
    removed = remove_unused(engine, store)
    return Belongings(products, removed.links, removed.images)


def _empty(engine: Engine, which: sa.ColumnElement[bool]) -> int:
    """Takes the pictures from products, a batch at a time; the number of products."""
    # A pass that goes on may bring one back, and takes its links for known.
    returns = sa.exists().where(
        stage.c.source_id == product.c.source_id,
        stage.c.pull == pull.c.id,
        pull.c.source == product.c.source,
    )
    some = sa.select(product.c.id).where(which, ~returns).limit(_AT_ONCE)
    emptied = 0
    while True:
        with engine.begin() as connection:
            ids = connection.execute(some).scalars().all()
            connection.execute(sa.delete(product_link).where(product_link.c.product.in_(ids)))
            # Without its digest, a product that returns counts as changed.
            changed = sa.update(product).where(product.c.id.in_(ids)).values(digest="")
            connection.execute(changed)
        if not ids:
            return emptied
        emptied += len(ids)


def _gone(before: datetime) -> sa.ColumnElement[bool]:
    return sa.func.coalesce(product.c.gone <= before, sa.false())


def _has_pictures() -> sa.ColumnElement[bool]:
    of_it = product_link.alias()
    return sa.exists().where(of_it.c.product == product.c.id)


def _delete_products(engine: Engine, name: str) -> int:
    """Deletes them a batch at a time, after the passes that they could be compared with."""
    deleted = 0
    some = sa.select(product.c.id).where(product.c.source == name).limit(_AT_ONCE)
    with engine.begin() as connection:
        connection.execute(sa.delete(pull).where(pull.c.source == name))
    while True:
        with engine.begin() as connection:
            ids = connection.execute(some).scalars().all()
            connection.execute(sa.delete(product).where(product.c.id.in_(ids)))
        if not ids:
            return deleted
        deleted += len(ids)


def delete_products(engine: Engine, store: str, ids: Sequence[str]) -> Belongings:
    """Deletes products, with history, links and the pictures that nobody else needs.

    Rows of them in quarantine and in passes that are not accepted yet go, too. A source that still
    has such a product gives it again. After a kill, the next call goes on.

    Args:
        engine: of the crawl database.
        store: place of the images.
        ids: as manifests have them, `SOURCE:ID`. Others are none of a crawl.

    Raises:
        InputError: pictures are being fetched.
        OSError: the store cannot be written.
    """
    with reader(engine) as connection:
        names = list(connection.execute(sa.select(source.c.name)).scalars())
    products = 0
    for name in names:
        own = [each[len(name) + 1 :] for each in ids if each.startswith(f"{name}:")]
        for start in range(0, len(own), _IDS_AT_ONCE):
            products += _delete_some(engine, name, own[start : start + _IDS_AT_ONCE])
    removed = remove_unused(engine, store)
    return Belongings(products, removed.links, removed.images)


def _delete_some(engine: Engine, name: str, source_ids: Sequence[str]) -> int:
    passes = sa.select(pull.c.id).where(pull.c.source == name)
    which = (product.c.source == name) & product.c.source_id.in_(source_ids)
    with engine.begin() as connection:
        for table, column in ((stage, stage.c.source_id), (quarantine, quarantine.c.place)):
            gone = column.in_(source_ids) & table.c.pull.in_(passes)
            connection.execute(sa.delete(table).where(gone))
        return connection.execute(sa.delete(product).where(which)).rowcount


def forget_gone(engine: Engine, store: str, before: datetime) -> Belongings:
    """Deletes products that their sources no longer have, and their rows in other tables.

    Args:
        engine: of the crawl database.
        store: place of the images.
        before: products that were gone by then are deleted.

    Raises:
        InputError: pictures are being fetched.
        OSError: the store cannot be written.
    """
    some = sa.select(product.c.id).where(_gone(before)).limit(_AT_ONCE)
    products = 0
    while True:
        with engine.begin() as connection:
            ids = connection.execute(some).scalars().all()
            connection.execute(sa.delete(product).where(product.c.id.in_(ids)))
        if not ids:
            break
        products += len(ids)
    removed = remove_unused(engine, store)
    return Belongings(products, removed.links, removed.images)


def belongings_forgotten(engine: Engine, before: datetime) -> Belongings:
    """Counts what `forget_gone` would delete."""
    return _counted(engine, _gone(before))
