"""Audits in the results database, and the back-offs that follow from them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.core.database.engine import reader
from shelfsort.core.errors import InputError
from shelfsort.decisions.database.standing import is_standing
from shelfsort.decisions.database.tables import (
    audit,
    backoff,
    decision,
    event,
    prediction,
    review,
)
from shelfsort.decisions.promise.audits import Audit
from shelfsort.decisions.promise.verdict import Verdict


@dataclass(frozen=True)
class StoredAudits:
    """Audits that people have answered.

    Attributes:
        audits: of all rates.
        even: those that a draw at the least rate would have chosen: a random sample of all
            automatic decisions, where some categories have a rate of their own.
        waiting: drawn decisions that nobody has looked at.
        undecided: on whose category people disagree.
    """

    audits: Sequence[Audit]
    even: Sequence[Audit]
    waiting: int
    undecided: int


def stored_audits(engine: Engine) -> StoredAudits:
    """The audits of a results database; of several people the majority counts.

    When a back-off is lifted, a new test of what it held begins: earlier decisions are left out.
    """
    chosen = (
        sa.select(
            decision.c.id,
            decision.c.at,
            prediction.c.category,
            audit.c.rate,
            audit.c.draw,
            review.c.category.label("said"),
        )
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
        .order_by(decision.c.id)
    )
    lifts = sa.select(backoff.c.category, sa.func.max(backoff.c.lifted)).group_by(
        backoff.c.category
    )
    with reader(engine) as connection:
        lifted = {category: at for category, at in connection.execute(lifts) if at is not None}
        found = connection.execute(chosen.select_from(audit)).mappings().all()
    rows = [row for row in found if not _is_over(row, lifted)]
    said: dict[int, Counter[str]] = {}
    for row in rows:
        said.setdefault(row["id"], Counter()).update([row["said"]] if row["said"] else [])
    least = min((row["rate"] for row in rows), default=1.0)
    audits, even, undecided = [], [], 0
    for row in {row["id"]: row for row in rows}.values():
        votes = said[row["id"]].most_common(2)
        if not votes:
            continue
        if len(votes) == 2 and votes[0][1] == votes[1][1]:
            undecided += 1
            continue
        judged = Audit(row["at"].date(), row["category"], votes[0][0] == row["category"])
        audits.append(judged)
        if row["draw"] < least:
            even.append(judged)
    waiting = sum(1 for votes in said.values() if not votes)
    return StoredAudits(audits, even, waiting, undecided)


def _is_over(row: sa.RowMapping, lifted: Mapping[str, datetime]) -> bool:
    ends = [lifted[each] for each in ("", row["category"]) if each in lifted]
    return any(row["at"] <= end for end in ends)


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
    values = {"lifted": _now(), "lifted_by": by, "lift_reason": reason}
    with engine.begin() as connection:
        done = connection.execute(
            sa.update(backoff)
            .where(backoff.c.category == category, backoff.c.lifted.is_(None))
            .values(**values)
        )
        if not done.rowcount:
            raise InputError(f"{category or 'all'}: no back-off is active. Nothing was lifted.")
        detail = {"at": _now(), "who": by, "what": "lift", "detail": f"{category}: {reason}"}
        connection.execute(sa.insert(event), detail)
    return done.rowcount


def _now() -> datetime:
    return datetime.now(timezone.utc)
