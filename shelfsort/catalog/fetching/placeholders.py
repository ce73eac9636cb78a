"""Pictures that stand for a missing one: the same under many products."""

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.catalog.database.tables import image, link, product, product_link
from shelfsort.catalog.fetching.outcomes import GOOD, PLACEHOLDER


def mark_placeholders(engine: Engine, products: int) -> int:
    """Marks the pictures that stand under at least so many products; variants count as one.

    Pictures that were marked under another number and are none now may be used again.

    Args:
        engine: of the crawl database.
        products: number that makes a placeholder; 0 for never.

    Returns:
        The number of placeholders.
    """
    with engine.begin() as connection:
        found = set(connection.execute(_shared(products)).scalars()) if products else set()
        marked = set(
            connection.execute(
                sa.select(image.c.digest).where(image.c.problem == PLACEHOLDER)
            ).scalars()
        )
        for digest in found - marked:
            _set(connection, digest, PLACEHOLDER, GOOD, PLACEHOLDER)
        for digest in marked - found:
            _set(connection, digest, "", PLACEHOLDER, GOOD)
    return len(found)


def _shared(products: int) -> sa.Select[tuple[str]]:
    # A product without a known number of its variants counts by itself.
    one = sa.case((product.c.variants == 0, -product.c.id), else_=product.c.variants)
    return (
        sa.select(link.c.image)
        .join(product_link, product_link.c.link == link.c.id)
        .join(product, product.c.id == product_link.c.product)
        .where(link.c.image.is_not(None), product.c.gone.is_(None))
        .group_by(link.c.image)
        .having(sa.func.count(sa.distinct(one)) >= products)
    )


def _set(connection: sa.Connection, digest: str, problem: str, state: str, became: str) -> None:
    connection.execute(sa.update(image).where(image.c.digest == digest).values(problem=problem))
    connection.execute(
        sa.update(link).where(link.c.image == digest, link.c.state == state).values(state=became)
    )
