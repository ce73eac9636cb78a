"""A customer objects to a decision: it goes to somebody who has not seen it."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.core.database.texts import storable
from shelfsort.core.errors import InputError
from shelfsort.core.terminal import one_line
from shelfsort.decisions.database.tables import decision, prediction, task
from shelfsort.decisions.review.events import note
from shelfsort.decisions.review.queue import policy as kinds
from shelfsort.decisions.review.queue.answering import present_outcome
from shelfsort.decisions.rules.model import REVIEW

MOST_WORDS = 2_000
"""Characters of what a customer says."""
MOST_APPEALS = 5
"""Of one decision."""


def appeal(connection: Connection, product: str, words: str, by: str, now: datetime) -> int:
    """Puts the newest decision about a product back; returns the id of the task.

    The decision stands until somebody has looked. It is due at once.

    Args:
        connection: in a transaction of the caller's.
        product: id.
        words: of the customer; longer ones are cut to `MOST_WORDS`.
        by: name of who passes the appeal on, for the audit log.
        now: when.

    Raises:
        InputError: there is no such decision, people look at it already, or there were
            `MOST_APPEALS` appeals.
    """
    product, by = storable(product), storable(by)
    number = _newest(connection, product)
    shown = one_line(repr(product[:80]))
    if number is None:
        raise InputError(f"{shown}: no decision about this product. Give its id.")
    earlier = connection.execute(
        sa.select(task.c.closed).where(task.c.decision == number, task.c.kind == kinds.APPEAL)
    ).all()
    if present_outcome(connection, number) == REVIEW or any(row.closed is None for row in earlier):
        raise InputError(f"{shown}: waits for people already. Nothing was added.")
    if len(earlier) >= MOST_APPEALS:
        raise InputError(f"{shown}: had {MOST_APPEALS} appeals. Nothing was added.")
    values = {
        "decision": number,
        "kind": kinds.APPEAL,
        "part": str(len(earlier) + 1),
        "since": now,
        "due": now,
        "value": 1.0,
        "blind": 1,
        "note": storable(words[:MOST_WORDS]),
    }
    (id_,) = connection.execute(sa.insert(task).values(**values)).inserted_primary_key or (0,)
    note(connection, by, "appeal", now, {"product": product, "decision": number, "task": id_})
    return int(id_)


def _newest(connection: Connection, product: str) -> int | None:
    chosen = (
        sa.select(sa.func.max(decision.c.id))
        .join(prediction, prediction.c.id == decision.c.prediction)
        .where(prediction.c.product == product)
    )
    found = connection.execute(chosen).scalar()
    return None if found is None else int(found)
