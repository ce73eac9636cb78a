"""The queue of a results database: what a page, or another front end, talks to."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.core.database.engine import reader
from shelfsort.decisions.database.standing import is_standing
from shelfsort.decisions.database.tables import (
    HAS_DETAIL,
    decision,
    prediction,
    prediction_detail,
    review,
    task,
)
from shelfsort.decisions.review.events import note
from shelfsort.decisions.review.outcomes import outcome_of, stored_fields
from shelfsort.decisions.review.queue.answering import Answered, Opinion, answer, undo
from shelfsort.decisions.review.queue.filling import fill
from shelfsort.decisions.review.queue.policy import DISPUTE, GOLD, Person, Policy
from shelfsort.decisions.review.queue.taking import Held, holder_of, take
from shelfsort.decisions.rules.model import Rules

_LOOK_EVERY = timedelta(seconds=30)
_COUNT_EVERY = timedelta(seconds=30)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Standing:
    """How far people are.

    Attributes:
        waiting: number of tasks without an answer; counted every half minute, so that it says
            nothing about a single task.
        overdue: of these, past their time.
        own: answers of the person within a day.
        last: id of the person's last answer where it can be taken back, None without one.
    """

    waiting: int
    overdue: int
    own: int
    last: int | None


class ReviewQueue:
    """Hands out tasks and keeps answers. Threads and processes may share the database."""

    def __init__(
        self,
        engine: Engine,
        rules: Rules,
        policy: Policy,
        gold: Mapping[str, str] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ):
        """Makes the tasks that are missing.

        Args:
            engine: of the results database.
            rules: that turn a category into an outcome.
            policy: how tasks are handed out.
            gold: leaf by product id, where it is known. Of a product without a decision it says
                nothing.
            clock: the present, with its time zone.
        """
        self.engine, self.rules, self.policy, self.clock = engine, rules, policy, clock
        self._lock = threading.Lock()
        now = clock()
        self.new = fill(engine, policy, now)
        self._filled = now
        self._counted: tuple[datetime, int, int] | None = None
        self.gold = _gold_decisions(engine, gold or {})
        """Leaf by the id of a decision about a product whose category is known."""

    def take(self, person: Person, want: int) -> list[Held]:
        """What a person looks at now and next; their leases begin again."""
        self._fill_sometimes()
        with self.engine.begin() as connection:
            return take(connection, person, want, self.clock(), self.policy, self.gold)

    def follows(self, number: int, category: str) -> tuple[str, str]:
        """Outcome and reason that the rules give a category, of the product of a task.

        Raises:
            KeyError: there is no such task.
        """
        chosen = (
            sa.select(sa.func.coalesce(prediction_detail.c.fields, ""))
            .select_from(prediction)
            .outerjoin(prediction_detail, HAS_DETAIL)
            .join(decision, decision.c.prediction == prediction.c.id)
            .join(task, task.c.decision == decision.c.id)
            .where(task.c.id == number)
        )
        with reader(self.engine) as connection:
            fields = connection.execute(chosen).scalar()
        if fields is None:
            raise KeyError(number)
        return outcome_of(self.rules, category, stored_fields(fields))

    def kind(self, number: int) -> str:
        """The kind of a task. Raises KeyError: there is none."""
        with reader(self.engine) as connection:
            found = connection.execute(sa.select(task.c.kind).where(task.c.id == number)).scalar()
        if found is None:
            raise KeyError(number)
        return str(found)

    def held_before(self, number: int) -> tuple[str, Held] | None:
        """Who has a task or had it last, and the task; None where there is none."""
        with reader(self.engine) as connection:
            return holder_of(connection, number)

    def needs_second(self, outcome: str) -> bool:
        """Whether an outcome needs another person who agrees."""
        return outcome in self.policy.second_opinion

    def answer(self, person: Person, number: int, opinion: Opinion) -> Answered:
        """Keeps an answer; it is on the disk when this returns. See `answering.answer`.

        Raises:
            KeyError: there is no such task, or it is not for this person.
        """
        now = self.clock()
        with self.engine.begin() as connection:
            done = answer(connection, person, number, opinion, now, self.policy)
            if done.result == "kept":
                detail = {"task": number, "review": done.review, "next": done.next}
                note(connection, person.name, "answer", now, detail)
        return done

    def undo(self, person: Person, id_: int) -> int | None:
        """Takes an answer back, by its id. See `answering.undo`."""
        now = self.clock()
        with self.engine.begin() as connection:
            done = undo(connection, person, id_, now, self.policy)
            if done is not None:
                note(connection, person.name, "undo", now, {"review": id_})
        return done

    def release(self, by: Person, number: int) -> bool:
        """Ends somebody's lease; returns whether there was one."""
        now = self.clock()
        held = sa.and_(task.c.id == number, task.c.closed.is_(None), task.c.until > now)
        with self.engine.begin() as connection:
            holder = connection.execute(sa.select(task.c.holder).where(held)).scalar()
            if holder is None:
                return False
            ended = sa.update(task).where(held).values(holder="", until=None)
            connection.execute(ended)
            note(connection, by.name, "release", now, {"task": number, "holder": holder})
        return True

    def standing(self, person: Person) -> Standing:
        """How far all are, and the person."""
        now = self.clock()
        with reader(self.engine) as connection:
            waiting, overdue = self._counts(connection, now)
            mine = (review.c.reviewer == person.name, review.c.at > now - _DAY, is_standing())
            rows = connection.execute(
                sa.select(review.c.id, review.c.at, review.c.task)
                .where(*mine)
                .order_by(review.c.id)
            ).all()
        recent = [
            row.id
            for row in rows[-1:]
            if row.task is not None and now - row.at <= self.policy.undo_within
        ]
        return Standing(waiting, overdue, len(rows), recent[0] if recent else None)

    def opinions(self, held: Held) -> list[tuple[str, str]]:
        """Category and proposed outcome of those who disagree, without their names."""
        if held.kind != DISPUTE:
            return []
        chosen = (
            sa.select(review.c.category, review.c.proposed)
            .where(
                review.c.decision == held.decision,
                review.c.outcome == "",
                review.c.kind != GOLD,
                is_standing(),
            )
            .order_by(review.c.id)
        )
        with reader(self.engine) as connection:
            return [(row.category, row.proposed) for row in connection.execute(chosen)]

    def _fill_sometimes(self) -> None:
        now = self.clock()
        if now - self._filled < _LOOK_EVERY or not self._lock.acquire(blocking=False):
            return
        try:
            fill(self.engine, self.policy, now, self._filled)
            self._filled = now
        finally:
            self._lock.release()

    def _counts(self, connection: Connection, now: datetime) -> tuple[int, int]:
        kept = self._counted
        if kept is None or now - kept[0] >= _COUNT_EVERY:
            late = sa.func.count(sa.case((task.c.due <= now, 1)))
            found = connection.execute(
                sa.select(sa.func.count(), late).where(task.c.closed.is_(None), task.c.kind != GOLD)
            ).one()
            kept = self._counted = (now, int(found[0]), int(found[1]))
        return kept[1], kept[2]


def with_outcome(opinion: Opinion, outcome: str, reason: str) -> Opinion:
    """The opinion with what follows from it; a reason that the person gave stays."""
    return replace(opinion, outcome=outcome, reason=opinion.reason or reason)


def _gold_decisions(engine: Engine, gold: Mapping[str, str]) -> dict[int, str]:
    found: dict[int, str] = {}
    names = sorted(gold)
    with reader(engine) as connection:
        for start in range(0, len(names), 500):
            newest = (
                sa.select(prediction.c.product, sa.func.max(decision.c.id).label("id"))
                .join(decision, decision.c.prediction == prediction.c.id)
                .where(prediction.c.product.in_(names[start : start + 500]))
                .group_by(prediction.c.product)
            )
            found |= {row.id: gold[row.product] for row in connection.execute(newest)}
    return found
