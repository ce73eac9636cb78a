"""What counts: answers that nobody has taken back, and one audit of each answer of the model."""

import sqlalchemy as sa

from shelfsort.decisions.database.tables import audit, decision, review


def is_standing() -> sa.ColumnElement[bool]:
    """Whether a row of `review` is an answer that was not taken back."""
    later = review.alias("later")
    # The decision is named for its index.
    undone = sa.exists().where(later.c.decision == review.c.decision, later.c.undoes == review.c.id)
    return sa.and_(review.c.undoes.is_(None), ~undone)


def audited_otherwise() -> sa.ColumnElement[bool]:
    """Whether an audit of another decision takes the place of one of a row of `decision`.

    New rules decide again from a stored answer of the model. Whether it is right needs to be found
    out once: from the newest of these decisions that is drawn, or from one with an answer.
    """
    other, drawn = decision.alias(), audit.alias()
    answered = sa.exists().where(
        review.c.decision == other.c.id, review.c.kind == "audit", is_standing()
    )
    return sa.exists().where(
        other.c.prediction == decision.c.prediction,
        other.c.id != decision.c.id,
        drawn.c.decision == other.c.id,
        sa.or_(other.c.id > decision.c.id, answered),
    )
