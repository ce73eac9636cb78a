"""Hands tasks to people: a lease on a row, which no transaction holds while a person thinks."""

import random
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.core.database.upserts import insert_or_keep
from shelfsort.decisions.database.standing import is_standing
from shelfsort.decisions.database.tables import (
    HAS_DETAIL,
    decision,
    prediction,
    prediction_detail,
    review,
    task,
)
from shelfsort.decisions.review.queue import policy as kinds
from shelfsort.decisions.review.queue.policy import Person, Policy

_OF_TASK = ("id", "decision", "kind", "blind", "note")
_OF_PREDICTION = ("product", "category", "score")
_OF_DETAIL = ("shown", "top", "fields")
_CHANCE = random.SystemRandom(secrets.token_hex())


@dataclass(frozen=True)
class Held:
    """A task that a person has.

    Attributes:
        id: of the task.
        decision: id of the decision.
        kind: of the task.
        blind: whether what the model said stays hidden.
        note: what the customer says in an appeal.
        product: id of the product.
        shown: JSON of what people see of it.
        top: JSON list of [category, score].
        fields: JSON of what the rules ask about.
        category: that the model names.
        score: its probability.
    """

    id: int
    decision: int
    kind: str
    blind: bool
    note: str
    product: str
    shown: str
    top: str
    fields: str
    category: str
    score: float


def take(
    connection: Connection,
    person: Person,
    want: int,
    now: datetime,
    policy: Policy,
    gold: Collection[int] = (),
) -> list[Held]:
    """What a person has, topped up to `want` tasks where there are more; their leases begin again.

    PostgreSQL passes over rows that another transaction is just giving away (SKIP LOCKED); SQLite
    begins each transaction as the only writer.

    Args:
        connection: in a transaction of the caller's, which ends at once.
        person: who asks.
        want: tasks.
        now: the present.
        policy: how long leases last, and the share of gold.
        gold: decisions about products whose category is known.
    """
    held = _held(connection, person, now)
    if len(held) < want:
        _claim(connection, person, want - len(held), now, policy, gold)
        held = _held(connection, person, now)
    connection.execute(
        sa.update(task)
        .where(task.c.id.in_([each.id for each in held]))
        .values(until=now + policy.lease)
    )
    return held


def has_answered(person: Person) -> sa.ColumnElement[bool]:
    """Whether the person has answered about the decision of a row of `task`."""
    return sa.exists().where(
        review.c.decision == task.c.decision, review.c.reviewer == person.name, is_standing()
    )


def holder_of(connection: Connection, number: int) -> tuple[str, Held] | None:
    """Who has a task or had it last, and the task; None where there is none."""
    row = connection.execute(_tasks().where(task.c.id == number)).mappings().first()
    return None if row is None else (str(row["holder"]), _read(row))


def _held(connection: Connection, person: Person, now: datetime) -> list[Held]:
    chosen = (
        _tasks()
        .where(
            task.c.holder == person.name,
            task.c.closed.is_(None),
            task.c.until > now,
            ~has_answered(person),
        )
        .order_by(task.c.due, task.c.id)
    )
    return [_read(row) for row in connection.execute(chosen).mappings()]


def _tasks() -> sa.Select[Any]:
    return (
        sa.select(
            *(task.c[name] for name in (*_OF_TASK, "holder")),
            *(prediction.c[name] for name in _OF_PREDICTION),
            *(prediction_detail.c[name] for name in _OF_DETAIL),
        )
        .join(decision, decision.c.id == task.c.decision)
        .join(prediction, prediction.c.id == decision.c.prediction)
        # Of an old prediction it may be gone.
        .outerjoin(prediction_detail, HAS_DETAIL)
    )


def _read(row: sa.RowMapping) -> Held:
    values = {name: row[name] for name in (*_OF_TASK, *_OF_PREDICTION)}
    detail = {name: row[name] or "" for name in _OF_DETAIL}
    return Held(**{**values, **detail, "blind": bool(row["blind"])})


def _claim(
    connection: Connection,
    person: Person,
    most: int,
    now: datetime,
    policy: Policy,
    gold: Collection[int],
) -> None:
    free = (
        sa.select(task.c.id, task.c.due)
        .where(
            task.c.closed.is_(None),
            sa.or_(task.c.until.is_(None), task.c.until <= now),
            task.c.kind != kinds.GOLD,
            sa.true() if person.leads else task.c.kind != kinds.DISPUTE,
            ~has_answered(person),
            ~_comes_with_another(person, now),
        )
        .order_by(task.c.due, task.c.id)
        .limit(most)
        .with_for_update(skip_locked=True, of=task)
    )
    found = connection.execute(free).all()
    lease = {"holder": person.name, "until": now + policy.lease}
    connection.execute(
        sa.update(task).where(task.c.id.in_([row.id for row in found])).values(**lease)
    )
    accompanied = [row.due for row in found if _CHANCE.random() < policy.gold_share]
    if accompanied and gold:
        _mix_in(connection, person, accompanied, now, lease, gold)


def _comes_with_another(person: Person, now: datetime) -> sa.ColumnElement[bool]:
    """Whether the person would have two audits of one decision, which two people look at."""
    other = task.alias()
    is_held = other.c.until.is_not(None) & (other.c.until > now)
    own = is_held & (other.c.holder == person.name)
    # The second one is free for a person once somebody else has the first.
    waits = sa.and_(task.c.part == kinds.DOUBLE, other.c.part == "", ~is_held)
    return sa.exists().where(
        other.c.decision == task.c.decision,
        other.c.id != task.c.id,
        other.c.kind == kinds.AUDIT,
        other.c.closed.is_(None),
        sa.or_(own, waits),
    )


def _mix_in(
    connection: Connection,
    person: Person,
    dues: Sequence[datetime],
    now: datetime,
    lease: dict[str, Any],
    gold: Collection[int],
) -> None:
    """Gives the person a task about gold for each of some others; nobody gets one twice."""
    asked = sa.select(task.c.decision).where(task.c.kind == kinds.GOLD, task.c.part == person.name)
    seen = sa.select(review.c.decision).where(
        review.c.reviewer == person.name, review.c.decision.in_(gold)
    )
    left = set(gold) - set(connection.execute(asked.union(seen)).scalars())
    chosen = _CHANCE.sample(sorted(left), min(len(dues), len(left)))
    insert = insert_or_keep(connection, task, ("decision", "kind", "part"))
    for number, due in zip(chosen, dues, strict=False):
        row = {"decision": number, "kind": kinds.GOLD, "part": person.name, "since": now}
        connection.execute(insert, {**row, "due": due, "value": 0.0, "blind": 1, **lease})
