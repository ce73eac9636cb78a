"""Which answers about decisions count: those that nobody has taken back."""

import sqlalchemy as sa

from shelfsort.decisions.database.tables import review


def is_standing() -> sa.ColumnElement[bool]:
    """Whether a row of `review` is an answer that was not taken back."""
    later = review.alias("later")
    # The decision is named for its index.
    undone = sa.exists().where(later.c.decision == review.c.decision, later.c.undoes == review.c.id)
    return sa.and_(review.c.undoes.is_(None), ~undone)
