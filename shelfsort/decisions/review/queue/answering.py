"""Keeps an answer, and what follows from it: nothing, a second opinion, or a lead's decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.core.errors import InputError
from shelfsort.decisions.database.standing import is_standing
from shelfsort.decisions.database.tables import decision, review, task
from shelfsort.decisions.review.queue import policy as kinds
from shelfsort.decisions.review.queue.policy import Person, Policy
from shelfsort.decisions.rules.model import REVIEW

Result = Literal["kept", "answered", "taken"]
"""What became of an answer: kept; the person had answered before; it belongs to somebody else."""
_MOST_OPINIONS = 3


@dataclass(frozen=True)
class Opinion:
    """What a person says about a task.

    Attributes:
        category: id of a leaf; "" for "cannot tell".
        outcome: that follows; "" where nothing does.
        reason: for the customer.
        note: for colleagues.
        seconds: that the person took.
    """

    category: str
    outcome: str = ""
    reason: str = ""
    note: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Answered:
    """What became of an answer.

    Attributes:
        result: whether it counts.
        review: id of its row; 0 without one.
        task: id of the task.
        next: kind of the task that it leads to; "" where it is final, or decides nothing.
    """

    result: Result
    review: int
    task: int
    next: str = ""


def answer(
    connection: Connection,
    person: Person,
    number: int,
    opinion: Opinion,
    now: datetime,
    policy: Policy,
) -> Answered:
    """Keeps an answer. One that arrives twice counts once.

    An answer counts until somebody else has the task, also after the lease has ended.

    Raises:
        KeyError: there is no such task, or it is not for this person.
        InputError: a lead decides, and names no outcome.
    """
    row = _locked(connection, number)
    if row["kind"] == kinds.DISPUTE and not person.leads:
        raise KeyError(number)
    if row["kind"] == kinds.DISPUTE and opinion.outcome in ("", REVIEW):
        raise InputError("A lead decides: choose an outcome")
    earlier = standing_answers(connection, row["decision"])
    own = [each for each in earlier if each["reviewer"] == person.name]
    if own:
        same = next((each["id"] for each in own if each["task"] == number), 0)
        return Answered("answered", same, number)
    if row["closed"] is not None or row["holder"] != person.name:
        return Answered("taken", 0, number)
    step = _Step.of(connection, row, opinion, earlier, policy)
    written = sa.insert(review).values(
        decision=row["decision"],
        at=now,
        reviewer=person.name,
        kind=row["kind"],
        task=number,
        category=opinion.category,
        outcome=step.outcome,
        proposed=step.proposed,
        reason=opinion.reason,
        note=opinion.note,
        assisted=int(not row["blind"]),
        seconds=opinion.seconds,
    )
    (id_,) = connection.execute(written).inserted_primary_key or (0,)
    connection.execute(sa.update(task).where(task.c.id == number).values(closed=now))
    if step.next:
        _add(connection, row, step.next, int(id_), now, policy)
    return Answered("kept", int(id_), number, step.next)


def undo(
    connection: Connection, person: Person, id_: int, now: datetime, policy: Policy
) -> int | None:
    """Takes an answer back and gives the person its task again.

    Returns:
        The id of the task, if the answer is taken back now or was before; None if it is too old, or
        somebody has gone on from it.
    """
    found = connection.execute(sa.select(review).where(review.c.id == id_)).mappings().first()
    if found is None or found["reviewer"] != person.name or found["task"] is None:
        return None
    row = _locked(connection, found["task"])
    undone = sa.select(review.c.id).where(review.c.undoes == id_)
    if connection.execute(undone).first() is not None:
        return int(row["id"])
    later = [
        each
        for each in standing_answers(connection, found["decision"])
        if each["id"] > id_ and kinds.GOLD not in (each["kind"], found["kind"])
    ]
    if later or now - found["at"] > policy.undo_within or not _withdraw(connection, id_, now):
        return None
    kept = {name: found[name] for name in ("decision", "reviewer", "kind", "task")}
    connection.execute(sa.insert(review).values(**kept, at=now, undoes=id_))
    connection.execute(
        sa.update(task)
        .where(task.c.id == row["id"])
        .values(closed=None, holder=person.name, until=now + policy.lease)
    )
    return int(row["id"])


def present_outcome(connection: Connection, number: int) -> str:
    """The outcome of a decision as people have left it."""
    said = [each["outcome"] for each in standing_answers(connection, number) if each["outcome"]]
    if said:
        return str(said[-1])
    chosen = sa.select(decision.c.outcome).where(decision.c.id == number)
    return str(connection.execute(chosen).scalar_one())


@dataclass(frozen=True)
class _Step:
    """What an opinion leads to: an outcome, or one that is proposed, and the kind of next task."""

    outcome: str = ""
    proposed: str = ""
    next: str = ""

    @staticmethod
    def of(
        connection: Connection,
        row: sa.RowMapping,
        opinion: Opinion,
        earlier: Sequence[sa.RowMapping],
        policy: Policy,
    ) -> "_Step":
        said = opinion.outcome
        if row["kind"] == kinds.GOLD:
            return _Step()
        if row["kind"] == kinds.DISPUTE:
            return _Step(outcome=said)
        # Those of this round: an earlier final outcome ended the round before.
        ends = max((n for n, each in enumerate(earlier) if each["outcome"]), default=-1)
        round_ = [each for each in earlier[ends + 1 :] if each["kind"] != kinds.GOLD]
        if not opinion.category:
            again = not round_ and row["kind"] != kinds.AUDIT
            nothing = row["kind"] == kinds.AUDIT
            return _Step(next="" if nothing else kinds.SECOND if again else kinds.DISPUTE)
        audits = [each["category"] for each in earlier if each["kind"] == kinds.AUDIT]
        before = list(filter(None, audits))
        if row["kind"] == kinds.AUDIT and len(before) == 1 and opinion.category not in before:
            # A third person settles what the model's answer is worth.
            return _Step(proposed=said, next=kinds.AUDIT)
        if said in ("", REVIEW):
            return _Step(proposed=said, next=kinds.DISPUTE)
        proposed = {each["proposed"] for each in round_ if each["proposed"]}
        if proposed - {said}:
            return _Step(proposed=said, next=kinds.DISPUTE)
        unconfirmed = said in policy.second_opinion and said not in proposed
        if unconfirmed and said != present_outcome(connection, row["decision"]):
            enough = len(round_) + 1 >= _MOST_OPINIONS
            return _Step(proposed=said, next=kinds.DISPUTE if enough else kinds.SECOND)
        return _Step(outcome=said)


def _locked(connection: Connection, number: int) -> sa.RowMapping:
    chosen = sa.select(task).where(task.c.id == number).with_for_update()
    row = connection.execute(chosen).mappings().first()
    if row is None:
        raise KeyError(number)
    return row


def standing_answers(connection: Connection, number: int) -> Sequence[sa.RowMapping]:
    """The answers about a decision that count, the first one first."""
    chosen = (
        sa.select(review).where(review.c.decision == number, is_standing()).order_by(review.c.id)
    )
    return connection.execute(chosen).mappings().all()


def _add(
    connection: Connection, row: sa.RowMapping, kind: str, cause: int, now: datetime, policy: Policy
) -> None:
    values: dict[str, Any] = {
        "decision": row["decision"],
        "kind": kind,
        "part": str(cause),
        "since": now,
        # As urgent as what it follows from.
        "due": row["due"],
        "value": row["value"],
        "sample": row["sample"],
        # A lead hears both sides.
        "blind": int(kind in (kinds.SECOND, kinds.AUDIT) or row["sample"] is not None),
        "note": row["note"],
        "cause": cause,
    }
    connection.execute(sa.insert(task).values(**values))


def _withdraw(connection: Connection, cause: int, now: datetime) -> bool:
    """Removes the tasks that an answer led to, unless somebody looks at one or has answered it."""
    chosen = sa.select(task).where(task.c.cause == cause).with_for_update()
    for row in connection.execute(chosen).mappings().all():
        held = row["until"] is not None and row["until"] > now
        if held or row["closed"] is not None:
            return False
        connection.execute(sa.delete(task).where(task.c.id == row["id"]))
    return True
