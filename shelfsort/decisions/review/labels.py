"""What people said about decisions, as labelled lines to train on."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.core.database.engine import reader
from shelfsort.decisions.database.tables import (
    HAS_DETAIL,
    audit,
    decision,
    prediction,
    prediction_detail,
    review,
)
from shelfsort.products.manifest.annotations import Annotation, Annotations
from shelfsort.products.manifest.writing import Job, labelled_fields
from shelfsort.products.product import LabelOrigin, Product

_GOLD = "gold"


def reviewed_lines(engine: Engine, attribute: str) -> Iterator[dict[str, Any]]:
    """A line for each product that people named a category of, as it was when they did so.

    Answers that were taken back and answers to gold are left out. Of a product that changed, the
    last form counts. A line says why and how likely its product was chosen.

    Args:
        engine: of the results database.
        attribute: that holds the labels.
    """
    job = Job(attribute, name="review")
    with reader(engine) as connection:
        rows = connection.execute(_answers()).mappings()
        for _, of_product in groupby(rows, key=lambda row: row["product"]):
            answers = list(of_product)
            last = answers[-1]
            said = tuple(
                Annotation(row["reviewer"], row["category"])
                for row in answers
                if row["prediction"] == last["prediction"]
            )
            origin = LabelOrigin(selected_by=_chosen(last), probability=last["rate"])
            yield labelled_fields(_product(last), Annotations(said, origin=origin), job)


def _answers() -> sa.Select[Any]:
    later = review.alias("later")
    taken_back = sa.exists().where(later.c.undoes == review.c.id)
    return (
        sa.select(
            prediction.c.product,
            prediction.c.id.label("prediction"),
            prediction_detail.c.shown,
            review.c.reviewer,
            review.c.category,
            audit.c.rate,
        )
        .select_from(review)
        .join(decision, decision.c.id == review.c.decision)
        .join(prediction, prediction.c.id == decision.c.prediction)
        .join(prediction_detail, HAS_DETAIL)
        .outerjoin(audit, audit.c.decision == decision.c.id)
        .where(
            review.c.category != "", review.c.kind != _GOLD, review.c.undoes.is_(None), ~taken_back
        )
        .order_by(prediction.c.product, prediction.c.id, review.c.id)
    )


def _chosen(row: sa.RowMapping) -> str:
    return "review" if row["rate"] is None else "audit"


def _product(row: sa.RowMapping) -> Product:
    shown = json.loads(row["shown"] or "{}")
    return Product(
        row["product"],
        shown.get("title", ""),
        shown.get("description", ""),
        shown.get("price"),
        shown.get("image", ""),
    )
