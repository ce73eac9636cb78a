"""Audits in the results database, and the back-offs that follow from them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.core.database.engine import reader
from shelfsort.core.database.texts import storable
from shelfsort.core.errors import InputError
from shelfsort.decisions.database.standing import is_standing
from shelfsort.decisions.database.tables import (
    audit,
    audit_total,
    backoff,
    decision,
    event,
    prediction,
    review,
)
from shelfsort.decisions.promise.audits import Audit
from shelfsort.decisions.promise.verdict import Verdict

_SHOWN = 20


@dataclass(frozen=True)
class StoredAudits:
    """Audits that people have answered.

    Attributes:
        audits: of all rates.
        even: those that a draw at the least rate would have chosen: a random sample of all
            automatic decisions, where some categories have a rate of their own.
        waiting: drawn decisions that nobody has looked at.
        undecided: on whose category people disagree.
        twice: that two people have looked at, without seeing each other's answer.
        agreed: of these, the ones whose first two answers are the same.
    """

    audits: Sequence[Audit]
    even: Sequence[Audit]
    waiting: int
    undecided: int
    twice: int
    agreed: int


@dataclass(frozen=True)
class Drawn:
    """A decision that was drawn for an audit.

    Attributes:
        decision: its id.
        at: when it was made.
        category: id of the leaf that the model named.
        rate: chance with which it was drawn.
        draw: number from 0 to 1 that the product's id gives.
        answered: whether a person has looked at it.
        right: whether most agree with the model; None where nobody has answered, or as many
            people say one thing as another.
        agreed: whether the first two answers are the same; None where there is one at most.
    """

    decision: int
    at: datetime
    category: str
    rate: float
    draw: float
    answered: bool
    right: bool | None
    agreed: bool | None


def stored_audits(engine: Engine) -> StoredAudits:
    """The audits of a results database; of several people the majority counts.

    When a back-off is lifted, a new test of what it held begins: earlier decisions are left out.
    Of decisions that were deleted, the totals count.
    """
    with reader(engine) as connection:
        drawn = open_audits(connection)
        lifted = lifts(connection)
        totals = [
            row
            for row in connection.execute(sa.select(audit_total).order_by(audit_total.c.day))
            if not is_over(row.kept, row.category, lifted)
        ]
    least = min([each.rate for each in drawn] + [row.rate for row in totals], default=1.0)
    audits: list[Audit] = []
    even: list[Audit] = []
    for row in totals:
        day = date.fromisoformat(row.day)
        # By the number: `right` is a name of SQL's, too.
        numbers = ((True, row._mapping["right"]), (False, row._mapping["wrong"]))
        told = [Audit(day, row.category, right) for right, n in numbers for _ in range(n)]
        audits += told
        even += told if row.least <= least else []
    for each in drawn:
        if each.right is not None:
            judged = Audit(each.at.date(), each.category, each.right)
            audits.append(judged)
            even += [judged] if each.draw < least else []
    waiting = sum(not each.answered for each in drawn)
    undecided = sum(each.answered and each.right is None for each in drawn)
    twice = [each.agreed for each in drawn if each.agreed is not None]
    return StoredAudits(audits, even, waiting, undecided, len(twice), sum(twice))


def open_audits(connection: Connection, only: Sequence[int] | None = None) -> list[Drawn]:
    """Drawn decisions that no lifted back-off has put an end to, one of each answer of the model.

    New rules decide again from the same answer. Whether it names the right category is known from
    one audit, and two of them would be one piece of evidence that counts twice.

    Args:
        connection: to the results database.
        only: ids of predictions; all by default.
    """
    chosen = (
        sa.select(
            decision.c.id,
            decision.c.at,
            decision.c.prediction,
            prediction.c.category,
            audit.c.rate,
            audit.c.draw,
            review.c.category.label("said"),
        )
        .select_from(audit)
        .join(decision, decision.c.id == audit.c.decision)
        .join(prediction, prediction.c.id == decision.c.prediction)
        .outerjoin(
            review,
            sa.and_(
                review.c.decision == decision.c.id,
                # Not what a customer's appeal led to: those are no random sample.
                review.c.kind == "audit",
                is_standing(),
            ),
        )
        .order_by(decision.c.id, review.c.id)
    )
    if only is not None:
        chosen = chosen.where(prediction.c.id.in_(only))
    lifted = lifts(connection)
    found = connection.execute(chosen).mappings()
    rows = [row for row in found if not is_over(row["at"], row["category"], lifted)]
    said: dict[int, list[str]] = {}
    for row in rows:
        said.setdefault(row["id"], []).extend([row["said"]] if row["said"] else [])
    chosen_rows: dict[int, sa.RowMapping] = {}
    for row in rows:
        kept = chosen_rows.get(row["prediction"])
        if kept is None or not said[kept["id"]]:
            chosen_rows[row["prediction"]] = row
    return [
        Drawn(
            id_,
            row["at"],
            row["category"],
            row["rate"],
            row["draw"],
            bool(said[id_]),
            _majority(Counter(said[id_]), row["category"]),
            said[id_][0] == said[id_][1] if len(said[id_]) > 1 else None,
        )
        for id_, row in sorted((row["id"], row) for row in chosen_rows.values())
    ]


def lifts(connection: Connection) -> dict[str, datetime]:
    """When the back-off of each category was last lifted, "" for that of all."""
    chosen = sa.select(backoff.c.category, sa.func.max(backoff.c.lifted)).group_by(
        backoff.c.category
    )
    return {category: at for category, at in connection.execute(chosen) if at is not None}


def is_over(at: datetime, category: str, lifted: Mapping[str, datetime]) -> bool:
    """Whether a new test of the category began after a moment."""
    ends = [lifted[each] for each in ("", category) if each in lifted]
    return any(at <= end for end in ends)


def _majority(said: Counter[str], category: str) -> bool | None:
    votes = said.most_common(2)
    if not votes or (len(votes) == 2 and votes[0][1] == votes[1][1]):
        return None
    return votes[0][0] == category


def back_off(engine: Engine, verdict: Verdict) -> list[str]:
    """Sends what breaks the promise to people; returns the categories that are new, "" for all.

    All go to people only if the categories that are not named break the promise together.
    """
    cause = f"promise {verdict.promise:g} broken: e-value {verdict.overall.e_value:.3g}"
    wanted = [""] if verdict.rest.alarm is not None else list(verdict.broken)
    active = sa.select(backoff.c.category).where(backoff.c.lifted.is_(None))
    with engine.begin() as connection:
        known = set(connection.execute(active).scalars())
        new = [category for category in wanted if not {category, ""} & known]
        rows = [{"category": each, "since": _now(), "cause": cause} for each in new]
        if rows:
            connection.execute(sa.insert(backoff), rows)
    return new


def lift(engine: Engine, category: str, by: str, reason: str) -> int:
    """Lifts the back-off of a category, "" for that of all; returns how many there were.

    Raises:
        InputError: none is active.
    """
    if not by.strip() or not reason.strip():
        raise InputError("--by and --reason: blank. Name a person and why.")
    category, by, reason = storable(category), storable(by), storable(reason)
    values = {"lifted": _now(), "lifted_by": by, "lift_reason": reason}
    with engine.begin() as connection:
        done = connection.execute(
            sa.update(backoff)
            .where(backoff.c.category == category, backoff.c.lifted.is_(None))
            .values(**values)
        )
        if not done.rowcount:
            held = sa.select(backoff.c.category).where(backoff.c.lifted.is_(None))
            names = [each or "all" for each in connection.execute(held).scalars()]
            active = f" Active: {', '.join(names[:_SHOWN])}." if names else ""
            raise InputError(
                f"{category or 'all'}: no back-off is active. Nothing was lifted.{active}"
            )
        detail = {"at": _now(), "who": by, "what": "lift", "detail": f"{category}: {reason}"}
        connection.execute(sa.insert(event), detail)
    return done.rowcount


def _now() -> datetime:
    return datetime.now(timezone.utc)
