"""What people answered about decisions, as products and answers that `labels import` reads."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.core.database.engine import reader
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
from shelfsort.labeling.answers import UNSURE
from shelfsort.labeling.queue.log import write_log
from shelfsort.labeling.queue.records import IMAGE_PROBLEM, Record
from shelfsort.labeling.web.choices import Choices
from shelfsort.products.manifest.label_origin import PROBABILITY, SELECTED_BY, SOURCE
from shelfsort.products.manifest.writing import product_fields, write_manifest
from shelfsort.products.product import ASSISTED

IMAGE_NOTE = "image does not load"
"""Note of an answer that says so."""
_KEY_BYTES = 32


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        products: lines of the manifest.
        answers: of people about them.
        sample: products that are a random sample of all.
    """

    products: int
    answers: int
    sample: int


def export(engine: Engine, choices: Choices, answers: Path, products: str) -> Exported:
    """Writes the answers that stand, without those to gold, and the products that they are about.

    Of a product that was decided about several times, the newest decision with an answer is
    written. A line says how its product was chosen: nothing for the random sample of all products,
    where nobody saw what the model said; else `selected-by`, with `label-source: assisted` where
    somebody saw it. The probability is that of being looked at, if people look at all that waits.

    Args:
        engine: of the results database.
        choices: label of each category.
        answers: file to write; its workers are pseudonyms.
        products: manifest to write.

    Raises:
        OSError: one cannot be written.
    """
    counts = {"answers": 0, "sample": 0}
    with reader(engine) as connection:
        written = write_manifest(products, _lines(connection, counts))
        records = _records(connection, choices, counts)
        write_log(answers, secrets.token_bytes(_KEY_BYTES), records)
    return Exported(written, counts["answers"], counts["sample"])


def _lines(connection: Connection, counts: dict[str, int]) -> Iterator[Mapping[str, Any]]:
    rows = connection.execute(_answers()).mappings()
    for _, group in groupby(rows, lambda row: row["decision"]):
        said = list(group)
        origin = _origin(said)
        counts["sample"] += SELECTED_BY not in origin
        product = product_of(said[0]["product"], said[0]["shown"])
        yield {**product_fields(product), "decision": said[0]["decision"], **origin}


def _records(connection: Connection, choices: Choices, counts: dict[str, int]) -> Iterator[Record]:
    names = sa.select(review.c.reviewer, sa.func.min(review.c.id)).group_by(review.c.reviewer)
    worker = {name: f"r-{first}" for name, first in connection.execute(names)}
    for row in connection.execute(_answers()).mappings():
        problem = IMAGE_PROBLEM if row["note"] == IMAGE_NOTE and not row["category"] else ""
        label = choices.labels.get(row["category"], UNSURE)
        counts["answers"] += 1
        yield Record(
            worker[row["reviewer"]],
            row["product"],
            "" if problem else label,
            problem,
            row["seconds"],
            row["at"].timestamp(),
        )


def _origin(said: list[Any]) -> dict[str, Any]:
    """How the product of some answers was chosen, as fields of its line."""
    first = said[0]
    if first["sample"] is not None:
        return {PROBABILITY: first["sample"]}
    if first["rate"] is not None:
        return {SELECTED_BY: kinds.AUDIT, PROBABILITY: first["rate"]}
    if all(each["kind"] == kinds.APPEAL for each in said):
        return {SELECTED_BY: kinds.APPEAL}
    assisted = any(each["assisted"] for each in said)
    source = {SOURCE: ASSISTED} if assisted else {}
    return {SELECTED_BY: kinds.REVIEW, PROBABILITY: 1.0, **source}


def _answers() -> sa.Select[Any]:
    counts = (review.c.kind != kinds.GOLD, is_standing())
    newest = (
        sa.select(sa.func.max(decision.c.id))
        .join(prediction, prediction.c.id == decision.c.prediction)
        .join(review, review.c.decision == decision.c.id)
        .where(*counts)
        .group_by(prediction.c.product)
    )
    first = (task.c.decision == decision.c.id, task.c.kind.in_((kinds.REVIEW, kinds.AUDIT)))
    return (
        sa.select(
            *(review.c[name] for name in ("decision", "reviewer", "kind", "category", "note")),
            *(review.c[name] for name in ("assisted", "seconds", "at")),
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
