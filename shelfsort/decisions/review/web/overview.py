"""What a lead sees: what waits, who looks at what, how good the answers are, and the audit log."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.core.database.engine import reader
from shelfsort.decisions.database.standing import is_standing
from shelfsort.decisions.database.tables import decision, prediction, review, task
from shelfsort.decisions.review.events import last_events
from shelfsort.decisions.review.queue import policy as kinds
from shelfsort.decisions.review.queue.service import ReviewQueue
from shelfsort.decisions.review.web.people import People
from shelfsort.stats.binomial import interval

_LATELY = timedelta(days=30)
_MOST_HELD, _MOST_EVENTS = 200, 50


def overview(queue: ReviewQueue, people: People) -> dict[str, Any]:
    """Plain values for the page of a lead.

    Args:
        queue: of the results database.
        people: who may open the page.
    """
    now = queue.clock()
    with reader(queue.engine) as connection:
        return {
            "kinds": _kinds(connection, now),
            "nobody": _for_nobody(connection, people),
            "people": _people(connection, queue.gold, now - _LATELY),
            "held": _held(connection, now),
            "events": [
                {**each, "at": each["at"].isoformat()}
                for each in last_events(connection, _MOST_EVENTS)
            ],
        }


def _kinds(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    late = sa.func.count(sa.case((task.c.due <= now, 1)))
    chosen = (
        sa.select(task.c.kind, sa.func.count(), late, sa.func.min(task.c.since))
        .where(task.c.closed.is_(None), task.c.kind != kinds.GOLD)
        .group_by(task.c.kind)
        .order_by(task.c.kind)
    )
    return [
        {
            "kind": kind,
            "waiting": waiting,
            "overdue": overdue,
            "oldest_hours": round((now - oldest).total_seconds() / 3600, 1),
        }
        for kind, waiting, overdue, oldest in connection.execute(chosen)
    ]


def _for_nobody(connection: Connection, people: People) -> int:
    """Number of tasks that everybody has answered about who could answer them."""
    waiting = 0
    for names, dispute in ((list(people.leads), True), (list(people.tokens), False)):
        answered = (
            sa.select(sa.func.count(review.c.reviewer.distinct()))
            .where(
                review.c.decision == task.c.decision, review.c.reviewer.in_(names), is_standing()
            )
            .scalar_subquery()
        )
        follows = (kinds.DISPUTE,) if dispute else (kinds.SECOND, kinds.APPEAL)
        chosen = (
            sa.select(sa.func.count())
            .select_from(task)
            .where(task.c.closed.is_(None), task.c.kind.in_(follows), answered >= len(names))
        )
        waiting += connection.execute(chosen).scalar_one()
    return waiting


def _people(
    connection: Connection, gold: Mapping[int, str], since: datetime
) -> list[dict[str, Any]]:
    """What everybody has answered lately, and how often that was right or confirmed."""
    later = review.alias("confirmed")
    confirmed = sa.exists().where(
        later.c.decision == review.c.decision,
        later.c.id > review.c.id,
        later.c.outcome == review.c.proposed,
    )
    proposed = review.c.proposed != ""
    chosen = (
        sa.select(
            review.c.reviewer,
            sa.func.count(),
            sa.func.avg(review.c.seconds),
            sa.func.count(sa.case((proposed, 1))),
            sa.func.count(sa.case((sa.and_(proposed, confirmed), 1))),
        )
        .where(review.c.at > since, is_standing())
        .group_by(review.c.reviewer)
        .order_by(review.c.reviewer)
        .limit(1_000)
    )
    right = _gold(connection, gold, since)
    return [
        {
            "name": name,
            "answers": answers,
            "seconds": None if seconds is None else round(float(seconds), 1),
            "proposed": n,
            "confirmed": k,
            "gold": right.get(name),
        }
        for name, answers, seconds, n, k in connection.execute(chosen)
    ]


def _gold(
    connection: Connection, gold: Mapping[int, str], since: datetime
) -> dict[str, dict[str, Any]]:
    chosen = sa.select(review.c.reviewer, review.c.decision, review.c.category).where(
        review.c.kind == kinds.GOLD, review.c.at > since, is_standing()
    )
    counts: dict[str, list[int]] = {}
    for name, number, category in connection.execute(chosen):
        if number in gold:
            own = counts.setdefault(name, [0, 0])
            own[0] += category == gold[number]
            own[1] += 1
    return {
        name: {"right": right, "of": n, "interval": interval(right, n)}
        for name, (right, n) in counts.items()
    }


def _held(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    chosen = (
        sa.select(task.c.id, task.c.holder, task.c.until, prediction.c.product)
        .join(decision, decision.c.id == task.c.decision)
        .join(prediction, prediction.c.id == decision.c.prediction)
        .where(task.c.closed.is_(None), task.c.until > now)
        .order_by(task.c.holder, task.c.id)
        .limit(_MOST_HELD)
    )
    return [
        {
            "task": row.id,
            "holder": row.holder,
            "minutes": round((row.until - now).total_seconds() / 60, 1),
            "product": row.product[:200],
        }
        for row in connection.execute(chosen)
    ]
