"""Deletes what a source gave."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.catalog.database.tables import link, product, product_link, pull, source
from shelfsort.catalog.importing.locks import only_one
from shelfsort.core.database.engine import reader

_AT_ONCE = 5_000


@dataclass(frozen=True)
class Belongings:
    """What a source gave.

    Attributes:
        products: that it has or had.
        links: addresses that only its products use.
        images: different ones that only such links lead to.
    """

    products: int
    links: int
    images: int


def belongings(engine: Engine, name: str) -> Belongings:
    """Counts what `delete_source` and the removal of unused links and images would delete."""
    uses = sa.select(product_link.c.link).join(product, product.c.id == product_link.c.product)
    own = uses.where(product.c.source == name)
    others = uses.where(product.c.source != name)
    links = link.c.id.in_(own) & link.c.id.not_in(others)
    kept = sa.select(link.c.image).where(~links, link.c.image.is_not(None))
    images = sa.select(sa.func.count(link.c.image.distinct())).where(
        links, link.c.image.not_in(kept)
    )
    many = sa.func.count()
    with reader(engine) as connection:
        return Belongings(
            connection.scalar(sa.select(many).where(product.c.source == name)) or 0,
            connection.scalar(sa.select(many).select_from(link).where(links)) or 0,
            connection.scalar(images) or 0,
        )


def is_known(engine: Engine, name: str) -> bool:
    """Whether the database has ever seen a source."""
    with reader(engine) as connection:
        found = connection.execute(sa.select(source.c.name).where(source.c.name == name))
        return found.first() is not None


def delete_source(engine: Engine, name: str) -> int:
    """Deletes the products of a source with their history, its passes and its quarantine.

    Links and images stay: `fetching.removal.remove_unused` removes those that nothing uses any
    more. A kill leaves the source with fewer products, and the next call goes on.

    Returns:
        The number of products deleted.

    Raises:
        InputError: the source is being imported.
    """
    deleted = 0
    some = sa.select(product.c.id).where(product.c.source == name).limit(_AT_ONCE)
    with only_one(engine, name):
        while True:
            with engine.begin() as connection:
                ids = connection.execute(some).scalars().all()
                if not ids:
                    # The products are gone first: a pass would take what is left for all there was.
                    connection.execute(sa.delete(pull).where(pull.c.source == name))
                    connection.execute(sa.delete(source).where(source.c.name == name))
                    return deleted
                connection.execute(sa.delete(product).where(product.c.id.in_(ids)))
            deleted += len(ids)
