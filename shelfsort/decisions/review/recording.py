"""What people answered about decisions, into the results database."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

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
from shelfsort.decisions.review.asking import DECISION
from shelfsort.decisions.review.outcomes import outcome_of, stored_fields
from shelfsort.decisions.rules.model import Rules
from shelfsort.products.manifest.annotations import Annotations
from shelfsort.products.manifest.lines import file_lines
from shelfsort.products.manifest.parsing import parse_record, read_record
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.taxonomy import Taxonomy, UnknownLabel

_BY_ALL = "(consolidated)"
# Of a number in a database.
_MAX_ID = 2**63 - 1


@dataclass
class Recorded:
    """What came of a labelled manifest.

    Attributes:
        new: answers that were not there before.
        known: answers that were.
        left_out: lines and answers that say nothing about a decision, by reason.
        outcomes: number of new answers by the outcome that follows.
    """

    new: int = 0
    known: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Said:
    decision: int
    reviewer: str
    category: str


def record(
    engine: Engine, files: Sequence[str], attribute: str, rules: Rules, at: datetime | None = None
) -> Recorded:
    """Stores each answer once. The outcome is what the rules make of a category that is certain.

    Args:
        engine: of the results database.
        files: of the labelled manifest; its lines are those of `asking.waiting` with labels.
        attribute: that holds the labels.
        rules: that decide.
        at: when; now by default.

    Raises:
        InputError: a file cannot be read.
    """
    found, moment = Recorded(), at or datetime.now(timezone.utc)
    said = list(_all_said(files, attribute, rules.tree, found))
    with engine.begin() as connection:
        for each in said:
            _store(connection, each, rules, moment, found)
    return found


def _all_said(
    files: Sequence[str], attribute: str, tree: Taxonomy, found: Recorded
) -> Iterator[_Said]:
    for file in files:
        for line in file_lines(file):
            read = read_record(line)
            try:
                entry = parse_record(read, attribute)
            except RejectedLine as why:
                found.left_out[why.reason] += 1
                continue
            number = _number(read.fields.get(DECISION))
            if number is None:
                found.left_out["no_decision"] += 1
            elif entry.annotations is None:
                found.left_out["no_answer"] += 1
            else:
                yield from _said(number, entry.annotations, tree, found)


def _number(value: Any) -> int | None:
    """The number of a decision; None for what can be none."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 < value <= _MAX_ID else None


def _said(
    number: int, annotations: Annotations, tree: Taxonomy, found: Recorded
) -> Iterator[_Said]:
    answers = [(each.worker, each.label) for each in annotations.answers]
    if not answers and annotations.result is not None:
        answers = [(_BY_ALL, annotations.result)]
    for worker, label in answers:
        try:
            yield _Said(number, worker, tree.resolve(label))
        except UnknownLabel:
            found.left_out["no_category"] += 1


def _store(
    connection: Connection, said: _Said, rules: Rules, at: datetime, found: Recorded
) -> None:
    row = (
        connection.execute(
            sa.select(prediction_detail.c.fields, audit.c.decision.label("audited"))
            .select_from(prediction)
            .join(decision, decision.c.prediction == prediction.c.id)
            .outerjoin(prediction_detail, HAS_DETAIL)
            .outerjoin(audit, audit.c.decision == decision.c.id)
            .where(decision.c.id == said.decision)
        )
        .mappings()
        .first()
    )
    if row is None:
        found.left_out["unknown_decision"] += 1
        return
    same = sa.select(review.c.id).where(
        review.c.decision == said.decision,
        review.c.reviewer == said.reviewer,
        review.c.category == said.category,
        is_standing(),
    )
    if connection.execute(same).first() is not None:
        found.known += 1
        return
    outcome, reason = outcome_of(rules, said.category, stored_fields(row["fields"]))
    values: dict[str, Any] = {
        "decision": said.decision,
        "at": at,
        "reviewer": said.reviewer,
        "kind": "review" if row["audited"] is None else "audit",
        "category": said.category,
        "outcome": outcome,
        "reason": reason,
    }
    connection.execute(sa.insert(review), values)
    waits = (task.c.decision == said.decision, task.c.closed.is_(None))
    first = task.c.kind.in_(("review", "audit"))
    connection.execute(sa.update(task).where(*waits, first).values(closed=at))
    found.new += 1
    found.outcomes[outcome or "none"] += 1
