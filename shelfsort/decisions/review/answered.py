"""What people said about products, and how these were chosen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.decisions.database.standing import is_standing
from shelfsort.decisions.database.tables import (
    HAS_DETAIL,
    audit,
    decision,
    prediction,
    prediction_detail,
    review,
    task,
)
from shelfsort.decisions.review.queue import policy as kinds
from shelfsort.decisions.review.stored_product import product_of
from shelfsort.products.product import ASSISTED, PEOPLE, LabelOrigin, Product


@dataclass(frozen=True)
class Said:
    """An answer that stands.

    Attributes:
        worker: pseudonym, the same in every export of a database.
        category: id of a leaf; "" for "cannot tell".
        note: for colleagues.
        seconds: that the person took, None where not known.
        at: when.
    """

    worker: str
    category: str
    note: str
    seconds: float | None
    at: datetime


@dataclass(frozen=True)
class Answered:
    """A product that people answered about.

    Attributes:
        product: as it was when it was decided about.
        decision: id of the newest decision with an answer.
        said: the answers about that decision, without those to gold; one at least.
        origin: what a label made of them is worth. The random sample of all products, which nobody
            saw a model's answer to, is evidence. The probability is that of being looked at, if
            people look at all that waits.
    """

    product: Product
    decision: int
    said: Sequence[Said]
    origin: LabelOrigin


def answered_products(connection: Connection) -> Iterator[Answered]:
    """Each product that people answered about, once; in the order of their decisions."""
    first = sa.select(review.c.reviewer, sa.func.min(review.c.id)).group_by(review.c.reviewer)
    workers = {name: f"r-{number}" for name, number in connection.execute(first)}
    rows = connection.execute(_answers()).mappings()
    for number, group in groupby(rows, lambda row: row["decision"]):
        found = list(group)
        said = [
            Said(workers[row["reviewer"]], *(row[name] for name in _OF_ANSWER)) for row in found
        ]
        product = product_of(found[0]["product"], found[0]["shown"])
        yield Answered(product, number, said, _origin(found))


_CERTAIN = 1.0
_OF_ANSWER = ("category", "note", "seconds", "at")


def _origin(rows: Sequence[sa.RowMapping]) -> LabelOrigin:
    first = rows[0]
    if first["sample"] is not None:
        return LabelOrigin(PEOPLE, "", first["rate"] or _CERTAIN)
    if first["rate"] is not None:
        return LabelOrigin(PEOPLE, kinds.AUDIT, first["rate"])
    if first["kind"] == kinds.APPEAL:
        return LabelOrigin(PEOPLE, kinds.APPEAL)
    source = ASSISTED if any(row["assisted"] for row in rows) else PEOPLE
    return LabelOrigin(source, kinds.REVIEW, _CERTAIN)


def _answers() -> sa.Select[Any]:
    counts = (review.c.kind != kinds.GOLD, is_standing())
    newest = (
        sa.select(sa.func.max(decision.c.id))
        .join(prediction, prediction.c.id == decision.c.prediction)
        .join(review, review.c.decision == decision.c.id)
        .where(*counts)
        .group_by(prediction.c.product)
    )
    # The first of two audits, which says the same of the sample as the other.
    kind = task.c.kind.in_((kinds.REVIEW, kinds.AUDIT))
    first = (task.c.decision == decision.c.id, kind, task.c.part == "")
    return (
        sa.select(
            *(review.c[name] for name in ("decision", "reviewer", "kind", "assisted")),
            *(review.c[name] for name in _OF_ANSWER),
            prediction.c.product,
            prediction_detail.c.shown,
            audit.c.rate,
            task.c.sample,
        )
        .join(decision, decision.c.id == review.c.decision)
        .join(prediction, prediction.c.id == decision.c.prediction)
        .outerjoin(prediction_detail, HAS_DETAIL)
        .outerjoin(audit, audit.c.decision == decision.c.id)
        .outerjoin(task, sa.and_(*first))
        .where(*counts, decision.c.id.in_(newest))
        .order_by(decision.c.id, review.c.id)
    )
