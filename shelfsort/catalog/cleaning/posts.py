"""The first product of what products were listed in, such as a post."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.catalog.database.tables import product


def later_of_posts(connection: Connection) -> frozenset[int]:
    """Ids of the products that are not the first of their post.

    The first has the least position; products whose position is not known come after those, in the
    order in which they were stored. Products of no post, and gone ones, do not count.
    """
    unknown = sa.case((product.c.position == 0, 1), else_=0)
    place = sa.func.row_number().over(
        partition_by=(product.c.source, product.c.part_of),
        order_by=(unknown, product.c.position, product.c.id),
    )
    placed = (
        sa.select(product.c.id, place.label("place"))
        .where(product.c.part_of != "", product.c.gone.is_(None))
        .subquery()
    )
    return frozenset(connection.scalars(sa.select(placed.c.id).where(placed.c.place > 1)))
