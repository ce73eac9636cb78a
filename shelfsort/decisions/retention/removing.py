"""Removes answers of the model and the rows that refer to them; audits stay as totals."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.decisions.database.tables import (
    audit,
    audit_total,
    decision,
    metadata,
    prediction,
)
from shelfsort.decisions.promise.stored import Drawn, open_audits


@dataclass
class Removed:
    """What was removed, or would be.

    Attributes:
        rows: number by table.
        audits_kept: audits whose result stays as a total.
        audits_lost: audits without a result: nobody has answered, or people disagree.
        kept_waiting: answers of the model that stay because a person is to look at them.
    """

    rows: Counter[str] = field(default_factory=Counter)
    audits_kept: int = 0
    audits_lost: int = 0
    kept_waiting: int = 0


def remove_predictions(
    connection: Connection, ids: Sequence[int], now: datetime, removed: Removed
) -> None:
    """Removes answers by their ids, with details, decisions, reviews, tasks, audits and shadows.

    Args:
        connection: in a transaction of the caller's.
        ids: of some thousand rows of `prediction` at most.
        now: moment under which totals are kept.
        removed: is added to.
    """
    count_predictions(connection, ids, removed)
    _keep_totals(connection, open_audits(connection, ids), now, removed)
    connection.execute(sa.delete(prediction).where(prediction.c.id.in_(ids)))


def count_predictions(connection: Connection, ids: Sequence[int], removed: Removed) -> None:
    """Adds the rows that hang on answers, by table, to `removed`."""
    decisions = sa.select(decision.c.id).where(decision.c.prediction.in_(ids))
    removed.rows[prediction.name] += len(ids)
    for table, column in _pointing_to(prediction):
        removed.rows[table.name] += _number(connection, table, column.in_(ids))
    for table, column in _pointing_to(decision):
        removed.rows[table.name] += _number(connection, table, column.in_(decisions))


def _pointing_to(target: sa.Table) -> Iterator[tuple[sa.Table, sa.Column[int]]]:
    """Each table with a key to the ids of `target`, and that key's column."""
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column is target.c.id:
                yield table, key.parent


def _number(connection: Connection, table: sa.Table, which: sa.ColumnElement[bool]) -> int:
    chosen = sa.select(sa.func.count()).select_from(table).where(which)
    return int(connection.execute(chosen).scalar_one())


def _keep_totals(
    connection: Connection, drawn: Sequence[Drawn], now: datetime, removed: Removed
) -> None:
    """Adds audits to the totals, which say no more of them than the test of the promise needs."""
    rates = sorted(connection.execute(sa.select(audit.c.rate).distinct()).scalars())
    counts: dict[tuple[str, str, float, float], Counter[bool]] = {}
    for each in drawn:
        if each.right is None:
            removed.audits_lost += 1
            continue
        # The draw itself would tell the product to whoever has a list of ids.
        least = next((rate for rate in rates if each.draw < rate), each.rate)
        key = (each.at.date().isoformat(), each.category, each.rate, least)
        counts.setdefault(key, Counter())[each.right] += 1
        removed.audits_kept += 1
    names = ("day", "category", "rate", "least")
    rows = [
        {**dict(zip(names, key, strict=True)), "kept": now, "right": n[True], "wrong": n[False]}
        for key, n in counts.items()
    ]
    if rows:
        connection.execute(sa.insert(audit_total), rows)
