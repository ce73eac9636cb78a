"""The figures of each day: what was decided, what people looked at, and what still waits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.core.database.engine import UtcTime, reader
from shelfsort.decisions.database.standing import is_standing
from shelfsort.decisions.database.tables import (
    audit,
    backoff,
    dead_letter,
    decision,
    prediction,
    review,
    task,
)
from shelfsort.decisions.monitoring.counts import utc_day
from shelfsort.decisions.review.queue.policy import AUDIT, GOLD
from shelfsort.decisions.rules.model import REVIEW


@dataclass
class Day:
    """A day in UTC.

    Attributes:
        day: date.
        outcomes: decisions by outcome.
        held_back: decisions that a back-off sent to people.
        failures: products that the model refused.
        drawn: decisions drawn for an audit.
        waiting: decisions left to people that nobody had looked at when the day ended.
        oldest_days: age in days of the oldest of these, 0 without any.
    """

    day: date
    outcomes: Counter[str] = field(default_factory=Counter)
    held_back: int = 0
    failures: int = 0
    drawn: int = 0
    waiting: int = 0
    oldest_days: int = 0

    @property
    def decided(self) -> int:
        """Decisions."""
        return sum(self.outcomes.values())

    @property
    def automatic(self) -> int:
        """Decisions without a person."""
        return self.decided - self.outcomes[REVIEW]


@dataclass
class OfCategory:
    """Decisions about one category in all the days.

    Attributes:
        outcomes: decisions by outcome.
        held_back: decisions that a back-off sent to people.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    held_back: int = 0

    @property
    def decided(self) -> int:
        """Decisions."""
        return sum(self.outcomes.values())

    @property
    def automatic(self) -> int:
        """Decisions without a person."""
        return self.decided - self.outcomes[REVIEW]


@dataclass(frozen=True)
class BackOff:
    """A time in which a category went to people.

    Attributes:
        category: id; "" for all.
        since, lifted: moments; lifted is None while it holds.
        cause: what the audits said.
        lifted_by: name of the person who lifted it.
    """

    category: str
    since: datetime
    lifted: datetime | None
    cause: str
    lifted_by: str

    def holds_on(self, day: date) -> bool:
        """Whether it held at some time of the day."""
        return self.since.date() <= day and (self.lifted is None or self.lifted.date() >= day)


@dataclass(frozen=True)
class Figures:
    """What happened lately.

    Attributes:
        days: without a gap, the last one being today or the last with a decision.
        categories: by the id of the category that the model named.
        backoffs: those that held on one of the days, the oldest first.
        waiting: decisions left to people that nobody has looked at.
        oldest: since when the oldest of these waits; None without any.
        at: when the figures were taken.
    """

    days: Sequence[Day]
    categories: Mapping[str, OfCategory]
    backoffs: Sequence[BackOff]
    waiting: int
    oldest: datetime | None
    at: datetime

    @property
    def first(self) -> datetime:
        """When the first day began."""
        day = self.days[0].day
        return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)

    @property
    def oldest_s(self) -> float:
        """Age of the oldest that waits in seconds; 0 without any, or where clocks differ."""
        return max((self.at - self.oldest).total_seconds(), 0.0) if self.oldest else 0.0


def figures(engine: Engine, length: int, now: datetime | None = None) -> Figures:
    """The figures of the last days.

    Args:
        engine: of the results database.
        length: days at most, today included.
        now: with its time zone; now by default.
    """
    at = (now or datetime.now(timezone.utc)).astimezone(timezone.utc)
    first = at.date() - timedelta(length - 1)
    start = datetime(first.year, first.month, first.day, tzinfo=timezone.utc)
    with reader(engine) as connection:
        began = connection.execute(sa.select(sa.func.min(decision.c.at))).scalar()
        first = min(max(first, began.date()), at.date()) if began is not None else at.date()
        days = {
            day: Day(day)
            for day in (first + timedelta(n) for n in range((at.date() - first).days + 1))
        }
        categories = _decided(connection, start, days)
        _drawn_and_failed(connection, start, days)
        waiting, oldest = _queue(connection, days)
        found = _backoffs(connection)
    held = [each for each in found if any(each.holds_on(day) for day in days)]
    return Figures(list(days.values()), categories, held, waiting, oldest, at)


def _decided(
    connection: Connection, start: datetime, days: Mapping[date, Day]
) -> dict[str, OfCategory]:
    day = utc_day(connection, decision.c.at).label("day")
    held = sa.func.sum(sa.case((decision.c.held_back != "", 1), else_=0))
    keys = (day, prediction.c.category, decision.c.outcome)
    chosen = (
        sa.select(*keys, sa.func.count().label("n"), held.label("held"))
        .join(prediction, prediction.c.id == decision.c.prediction)
        .where(decision.c.at >= start)
        .group_by(*keys)
    )
    categories: dict[str, OfCategory] = {}
    for row in connection.execute(chosen).mappings():
        for total in (_of(days, row["day"]), categories.setdefault(row["category"], OfCategory())):
            if total is not None:
                total.outcomes[row["outcome"]] += int(row["n"])
                total.held_back += int(row["held"])
    return categories


def _drawn_and_failed(connection: Connection, start: datetime, days: Mapping[date, Day]) -> None:
    for name, column in (("drawn", audit.c.drawn), ("failures", dead_letter.c.at)):
        day = utc_day(connection, column).label("day")
        chosen = sa.select(day, sa.func.count()).where(column >= start).group_by(day)
        for text, n in connection.execute(chosen):
            found = _of(days, text)
            if found is not None:
                setattr(found, name, int(n))


def _queue(connection: Connection, days: Mapping[date, Day]) -> tuple[int, datetime | None]:
    """Fills in what waited when each day ended; what waits now, and since when."""
    # A second opinion is awaited though somebody has answered.
    still_open = sa.select(task.c.decision).where(
        task.c.closed.is_(None), task.c.kind.not_in([GOLD, AUDIT])
    )
    answered = (
        sa.select(review.c.decision, sa.func.min(review.c.at, type_=UtcTime).label("at"))
        .where(is_standing(), review.c.decision.not_in(still_open))
        .group_by(review.c.decision)
        .subquery()
    )
    later = decision.alias("later")
    replaced = sa.exists().where(
        later.c.prediction == decision.c.prediction, later.c.id > decision.c.id
    )
    made = utc_day(connection, decision.c.at).label("made")
    done = utc_day(connection, answered.c.at).label("done")
    left = (
        sa.select(made, done, sa.func.count(), sa.func.min(decision.c.at, type_=UtcTime))
        .select_from(decision.outerjoin(answered, answered.c.decision == decision.c.id))
        .where(decision.c.outcome == REVIEW, ~replaced)
        .group_by(made, done)
    )
    waiting, oldest = 0, None
    for made_on, done_on, n, since in connection.execute(left):
        begins = date.fromisoformat(made_on)
        ends = date.fromisoformat(done_on) if done_on else date.max
        for day, found in days.items():
            if begins <= day < ends:
                found.waiting += int(n)
                found.oldest_days = max(found.oldest_days, (day - begins).days)
        if done_on is None:
            waiting += int(n)
            oldest = since if oldest is None else min(oldest, since)
    return waiting, oldest


def _backoffs(connection: Connection) -> list[BackOff]:
    chosen = sa.select(backoff).order_by(backoff.c.since, backoff.c.id)
    return [
        BackOff(row["category"], row["since"], row["lifted"], row["cause"], row["lifted_by"])
        for row in connection.execute(chosen).mappings()
    ]


def _of(days: Mapping[date, Day], text: Any) -> Day | None:
    return days.get(date.fromisoformat(text))
