"""Which of the decisions made would other rules change: from stored answers, without a model."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.core.database.engine import reader
from shelfsort.decisions.database.tables import HAS_DETAIL, decision, prediction, prediction_detail
from shelfsort.decisions.rules.model import Facts, Rules, UndecidableError

_AT_ONCE = 5_000
UNDECIDABLE = "undecidable"
"""Stands for the outcome of an answer that the new rules cannot decide about."""


@dataclass(frozen=True)
class Change:
    """A decision that the new rules would make otherwise.

    Attributes:
        product: id.
        before: outcome by the rules that decided.
        after: outcome by the new rules.
        rule: that would decide, or why none can.
    """

    product: str
    before: str
    after: str
    rule: str


@dataclass
class Replay:
    """What new rules would change.

    Attributes:
        decisions: that were looked at, the last one about each answer.
        moves: number of decisions by outcome before and after, changed or not.
        examples: the first changes.
    """

    decisions: int = 0
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: list[Change] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """Decisions that would be others."""
        return sum(n for (before, after), n in self.moves.items() if before != after)


def replay(engine: Engine, rules: Rules, since: datetime, examples: int = 20) -> Replay:
    """Decides again about every answer whose last decision was made at or after `since`.

    Args:
        engine: of the results database.
        rules: the new ones.
        since: with its time zone.
        examples: most that are kept.
    """
    found = Replay()
    with reader(engine) as connection:
        for row in _last_decisions(connection, since):
            change = _again(rules, row)
            found.decisions += 1
            found.moves[change.before, change.after] += 1
            if change.before != change.after and len(found.examples) < examples:
                found.examples.append(change)
    return found


def _last_decisions(connection: Connection, since: datetime) -> Iterator[sa.RowMapping]:
    last = sa.select(sa.func.max(decision.c.id)).group_by(decision.c.prediction)
    chosen = (
        sa.select(prediction, prediction_detail.c.fields, decision.c.outcome)
        .outerjoin(prediction_detail, HAS_DETAIL)
        .join(decision, decision.c.prediction == prediction.c.id)
        .where(decision.c.id.in_(last), decision.c.at >= since)
        .order_by(decision.c.id)
    )
    streamed = connection.execution_options(yield_per=_AT_ONCE).execute(chosen)
    yield from streamed.mappings()


def _again(rules: Rules, row: sa.RowMapping) -> Change:
    fields: dict[str, Any] = json.loads(row["fields"] or "{}")
    score = min(max(row["score"], 0.0), 1.0)
    facts = Facts(row["category"], row["accepted"], score, fields)
    try:
        then = rules.decide(facts)
    except UndecidableError as error:
        return Change(row["product"], row["outcome"], UNDECIDABLE, str(error))
    return Change(row["product"], row["outcome"], then.outcome, then.rule)
