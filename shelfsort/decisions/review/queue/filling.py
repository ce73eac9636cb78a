"""Makes a task of every decision that people have to look at."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.core.database.engine import reader
from shelfsort.core.database.upserts import insert_or_keep
from shelfsort.decisions.database.standing import audited_otherwise
from shelfsort.decisions.database.tables import (
    HAS_DETAIL,
    audit,
    decision,
    prediction,
    prediction_detail,
    review,
    run,
    task,
)
from shelfsort.decisions.promise.sampling import draw_of
from shelfsort.decisions.review.queue import policy as kinds
from shelfsort.decisions.review.queue.policy import Policy
from shelfsort.decisions.rules import model

_AT_ONCE = 1_000
# Those of a sample that are answered would be the doubtful ones, if these came first.
_OF_SAMPLES = 0.5
OVERLAP = timedelta(hours=1)
"""A transaction may end later than the moment that its rows state, by less than this."""


def fill(engine: Engine, policy: Policy, now: datetime, since: datetime | None = None) -> int:
    """Adds the tasks that are missing, and closes those that are no longer needed.

    Several processes may do so at once. A product left to people is shown without the model's
    answer where it belongs to the random sample of all products: with the audits it is evidence.

    Args:
        engine: of the results database.
        policy: how tasks are ordered.
        now: the present.
        since: when this was done before; older decisions are not looked at again.

    Returns:
        How many tasks are new.
    """
    new = 0
    for rows in _missing(engine, policy, since):
        with engine.begin() as connection:
            insert = insert_or_keep(connection, task, ("decision", "kind", "part"))
            options = {"preserve_rowcount": True}
            new += connection.execute(insert, rows, execution_options=options).rowcount
    with engine.begin() as connection:
        _close_older(connection, now, since)
    return new


def _missing(
    engine: Engine, policy: Policy, since: datetime | None
) -> Iterator[list[dict[str, Any]]]:
    chosen = (
        sa.select(
            decision.c.id,
            decision.c.at,
            prediction.c.product,
            prediction.c.score,
            prediction_detail.c.shown,
            audit.c.rate,
            run.c.audit_rate,
        )
        .select_from(decision)
        .join(prediction, prediction.c.id == decision.c.prediction)
        .outerjoin(prediction_detail, HAS_DETAIL)
        .join(run, run.c.id == decision.c.run)
        .outerjoin(audit, audit.c.decision == decision.c.id)
        .where(
            sa.or_(
                sa.and_(audit.c.decision.is_not(None), ~audited_otherwise()),
                sa.and_(decision.c.outcome == model.REVIEW, ~_has_newer()),
            ),
            ~sa.exists().where(
                task.c.decision == decision.c.id, task.c.kind.in_((kinds.REVIEW, kinds.AUDIT))
            ),
            ~sa.exists().where(review.c.decision == decision.c.id),
        )
        .order_by(decision.c.id)
    )
    if since is not None:
        chosen = chosen.where(decision.c.at >= since - OVERLAP)
    with reader(engine) as connection:
        found = connection.execution_options(yield_per=_AT_ONCE).execute(chosen)
        for rows in found.mappings().partitions(_AT_ONCE):
            yield [made for row in rows for made in _tasks(policy, row)]


def _tasks(policy: Policy, row: sa.RowMapping) -> Iterator[dict[str, Any]]:
    made = _task(policy, row)
    yield made
    if made["kind"] == kinds.AUDIT and draw_of(row["product"], kinds.DOUBLE) < policy.double_share:
        yield {**made, "part": kinds.DOUBLE}


def _task(policy: Policy, row: sa.RowMapping) -> dict[str, Any]:
    audited = row["rate"] is not None
    price = json.loads(row["shown"] or "{}").get("price")
    rate = row["audit_rate"] or 0.0
    sampled = draw_of(row["product"]) < rate
    value = policy.value(row["score"], price if isinstance(price, int | float) else None)
    if audited or sampled:
        value = _OF_SAMPLES
    return {
        "decision": row["id"],
        "kind": kinds.AUDIT if audited else kinds.REVIEW,
        "part": "",
        "since": row["at"],
        "due": policy.due(row["at"], value),
        "value": value,
        "sample": rate if sampled else None,
        "blind": int(audited or sampled),
    }


def _has_newer() -> sa.ColumnElement[bool]:
    """Whether the product has been decided about again."""
    other, newer = prediction.alias(), decision.alias()
    return sa.exists().where(
        other.c.product == prediction.c.product,
        newer.c.prediction == other.c.id,
        newer.c.id > decision.c.id,
    )


def _close_older(connection: Connection, now: datetime, since: datetime | None) -> None:
    """Closes what nobody holds and is about a decision that a newer one has replaced."""
    free = (task.c.closed.is_(None), sa.or_(task.c.until.is_(None), task.c.until <= now))
    newer, new, old = decision.alias("newer"), prediction.alias("new"), prediction.alias("old")
    replaced = (
        sa.select(task.c.id)
        .select_from(newer)
        .join(new, new.c.id == newer.c.prediction)
        .join(old, old.c.product == new.c.product)
        .join(decision, decision.c.prediction == old.c.id)
        .join(task, task.c.decision == decision.c.id)
        .where(
            decision.c.id < newer.c.id,
            *free,
            task.c.kind.in_((kinds.REVIEW, kinds.SECOND, kinds.DISPUTE)),
        )
    )
    twice = (
        sa.select(task.c.id)
        .join(decision, decision.c.id == task.c.decision)
        .join(newer, newer.c.prediction == decision.c.prediction)
        .join(audit, audit.c.decision == newer.c.id)
        .where(newer.c.id > decision.c.id, task.c.kind == kinds.AUDIT, *free)
    )
    if since is not None:
        replaced = replaced.where(newer.c.at >= since - OVERLAP)
        twice = twice.where(newer.c.at >= since - OVERLAP)
    found = sorted({*connection.execute(replaced).scalars(), *connection.execute(twice).scalars()})
    for start in range(0, len(found), _AT_ONCE):
        ids = found[start : start + _AT_ONCE]
        # Somebody may have taken one meanwhile.
        connection.execute(sa.update(task).where(task.c.id.in_(ids), *free).values(closed=now))
