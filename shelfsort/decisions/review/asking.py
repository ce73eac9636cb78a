"""Decisions that wait for people, as lines of a manifest for the labelling page."""

from collections.abc import Iterator
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.core.database.engine import reader
from shelfsort.decisions.database.standing import audited_otherwise, is_standing
from shelfsort.decisions.database.tables import (
    HAS_DETAIL,
    audit,
    decision,
    prediction,
    prediction_detail,
    review,
)
from shelfsort.decisions.review.stored_product import product_of
from shelfsort.decisions.rules.model import REVIEW
from shelfsort.products.manifest.label_origin import PROBABILITY, SELECTED_BY
from shelfsort.products.manifest.writing import product_fields

Kind = Literal["review", "audit"]
DECISION = "decision"
"""Field of a line that names the decision."""


def waiting(engine: Engine, kind: Kind, most: int) -> Iterator[dict[str, Any]]:
    """Lines of decisions that nobody has looked at, the oldest first.

    They show the product only, not what the model said. A line says that and how likely it was
    chosen, so that its label trains with care and is no evidence about the whole catalogue.

    Args:
        engine: of the results database.
        kind: `review` for decisions left to people, `audit` for the random sample of the others.
        most: lines.
    """
    with reader(engine) as connection:
        for row in connection.execute(_chosen(kind).limit(most)).mappings():
            product = product_of(row["product"], row["shown"])
            line = {**product_fields(product), DECISION: row["decision"], SELECTED_BY: kind}
            # What is left to people is looked at in any case.
            yield {**line, PROBABILITY: row["rate"] or 1.0}


def _chosen(kind: Kind) -> sa.Select[Any]:
    looked_at = sa.exists().where(review.c.decision == decision.c.id, is_standing())
    last = sa.select(sa.func.max(decision.c.id)).group_by(decision.c.prediction)
    chosen = (
        sa.select(
            prediction.c.product,
            prediction_detail.c.shown,
            decision.c.id.label("decision"),
            audit.c.rate,
        )
        .select_from(prediction)
        .outerjoin(prediction_detail, HAS_DETAIL)
        .join(decision, decision.c.prediction == prediction.c.id)
        .outerjoin(audit, audit.c.decision == decision.c.id)
        .where(~looked_at)
        .order_by(decision.c.id)
    )
    if kind == "audit":
        return chosen.where(audit.c.decision.is_not(None), ~audited_otherwise())
    return chosen.where(decision.c.outcome == REVIEW, decision.c.id.in_(last))
