"""How many answers of each category there were on each day, and how high they scored.

Days that are over are kept in the table `day_count`, which the deletion of products does not touch.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.core.database.engine import reader
from shelfsort.core.database.upserts import insert_or_keep
from shelfsort.decisions.database.tables import day_count, prediction

SCORES = (0.5, 0.8, 0.95, 0.99)
"""Scores that are counted: how many answers reach each."""


@dataclass(frozen=True)
class DayCounts:
    """Answers of one version of a model, by day and category.

    Attributes:
        model: its version.
        days: with answers, the oldest first.
        categories: ids of those that were ever named, sorted.
        answers: int64 array of shape (days, categories).
        scores: int64 array of shape (days, categories, scores): answers that reach each of SCORES.
    """

    model: str
    days: Sequence[date]
    categories: Sequence[str]
    answers: np.ndarray
    scores: np.ndarray


def utc_day(connection: Connection, column: Any) -> Any:
    """The day of a moment in UTC, as a text such as 2026-11-27, in SQL."""
    if connection.dialect.name == "postgresql":
        return sa.func.to_char(sa.func.timezone("UTC", column), "YYYY-MM-DD")
    return sa.func.strftime("%Y-%m-%d", column)


def keep_days(engine: Engine, now: datetime | None = None) -> int:
    """Stores the counts of days that are over; returns how many rows are new."""
    today = (now or datetime.now(timezone.utc)).astimezone(timezone.utc).date()
    with reader(engine) as connection:
        last = _last_kept(connection, today)
        rows = [
            {**row, "scores": json.dumps(row["scores"])}
            for row in _counted(connection, last, today)
        ]
    if rows:
        with engine.begin() as connection:
            insert = insert_or_keep(connection, day_count, ("day", "model", "category"))
            connection.execute(insert, rows)
    return len(rows)


def day_counts(engine: Engine, model: str | None = None) -> DayCounts | None:
    """The counts of a version of the model, today's included; None without answers.

    Args:
        engine: of the results database.
        model: version; None for the one that answered last.
    """
    with reader(engine) as connection:
        if model is None:
            newest = sa.select(prediction.c.model).order_by(prediction.c.id.desc()).limit(1)
            model = connection.execute(newest).scalar()
        if model is None:
            return None
        kept = connection.execute(sa.select(day_count)).mappings().all()
        known = {row["day"] for row in kept}
        last = _last_kept(connection, datetime.now(timezone.utc).date())
        rows: list[Mapping[str, Any]] = [
            {**row, "scores": json.loads(row["scores"])} for row in kept if row["model"] == model
        ]
        rows += [
            row
            for row in _counted(connection, last, None)
            if row["model"] == model and row["day"] not in known
        ]
    return _as_arrays(model, rows)


def _last_kept(connection: Connection, today: date) -> str | None:
    """The last day that is kept. One to come is none: a clock was wrong when it was stored."""
    chosen = sa.select(sa.func.max(day_count.c.day)).where(day_count.c.day < today.isoformat())
    return connection.execute(chosen).scalar()


def _counted(connection: Connection, after: str | None, until: date | None) -> list[dict[str, Any]]:
    """Counts of the answers of days after `after` and before `until`."""
    day = utc_day(connection, prediction.c.at).label("day")
    reaching = [
        sa.func.sum(sa.case((prediction.c.score >= score, 1), else_=0)).label(f"reach_{place}")
        for place, score in enumerate(SCORES)
    ]
    kinds = (day, prediction.c.model, prediction.c.category)
    chosen = sa.select(*kinds, sa.func.count().label("answers"), *reaching).group_by(*kinds)
    if after is not None:
        # The index is on the moment.
        chosen = chosen.where(prediction.c.at >= _midnight(date.fromisoformat(after), 1))
    if until is not None:
        chosen = chosen.where(prediction.c.at < _midnight(until, 0))
    return [
        {
            "day": row["day"],
            "model": row["model"],
            "category": row["category"],
            "answers": int(row["answers"]),
            "scores": [int(row[f"reach_{place}"]) for place in range(len(SCORES))],
        }
        for row in connection.execute(chosen).mappings()
    ]


def _midnight(day: date, later: int) -> datetime:
    return datetime.fromordinal(day.toordinal() + later).replace(tzinfo=timezone.utc)


def _as_arrays(model: str, rows: Sequence[Mapping[str, Any]]) -> DayCounts | None:
    if not rows:
        return None
    days = sorted({row["day"] for row in rows})
    categories = sorted({row["category"] for row in rows})
    place_of = defaultdict(int, {name: place for place, name in enumerate(categories)})
    answers = np.zeros((len(days), len(categories)), np.int64)
    scores = np.zeros((*answers.shape, len(SCORES)), np.int64)
    row_of = {day: place for place, day in enumerate(days)}
    for row in rows:
        at = row_of[row["day"]], place_of[row["category"]]
        answers[at] += row["answers"]
        scores[at] += np.array(row["scores"], np.int64)
    return DayCounts(model, [date.fromisoformat(day) for day in days], categories, answers, scores)
