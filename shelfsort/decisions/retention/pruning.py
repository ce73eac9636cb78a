"""Forgets what is older than a shop may or wants to keep."""

from datetime import datetime, timedelta, timezone

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.core.database.engine import reader
from shelfsort.decisions.database.partitions import drop_empty_days
from shelfsort.decisions.database.standing import is_standing
from shelfsort.decisions.database.tables import (
    audit,
    dead_letter,
    decision,
    prediction,
    reject,
    review,
    run,
    task,
)
from shelfsort.decisions.monitoring.counts import keep_days
from shelfsort.decisions.retention.removing import (
    Removed,
    count_predictions,
    remove_predictions,
)
from shelfsort.decisions.review.events import note

_AT_ONCE = 2_000


def prune(engine: Engine, before: datetime, who: str, *, dry_run: bool = False) -> Removed:
    """Removes answers of the model that are older than a moment, and rows that refer to them.

    An answer counts as old if its last decision and review are, too. One that a person is to look
    at stays. Rejected rows, failures and runs that nothing refers to go as well. What audits said
    stays as totals, and the counts that drift is judged by stay, too. A kill leaves whole batches;
    the next call goes on.

    Args:
        engine: of the results database.
        before: with its time zone.
        who: name for the audit log.
        dry_run: count only.

    Returns:
        What was removed, or would be.
    """
    removed = Removed()
    with reader(engine) as connection:
        waits = sa.select(sa.func.count()).where(_old(before), _waits())
        removed.kept_waiting = connection.execute(waits.select_from(prediction)).scalar_one()
    if dry_run:
        with reader(engine) as connection:
            _count(connection, before, removed)
        return removed
    keep_days(engine)
    # Totals of one call have a moment each, as keys.
    now = datetime.now(timezone.utc)
    while True:
        with engine.begin() as connection:
            ids = _some(connection, before, 0)
            if not ids:
                break
            remove_predictions(connection, ids, now, removed)
        now = max(datetime.now(timezone.utc), now + timedelta(microseconds=1))
    with engine.begin() as connection:
        for table, which in _others(before):
            removed.rows[table.name] += connection.execute(sa.delete(table).where(which)).rowcount
        drop_empty_days(connection, before)
        rows = {name: n for name, n in removed.rows.items() if n}
        if rows:
            detail = {"before": before.isoformat(timespec="seconds"), "rows": rows}
            note(connection, who, "prune", now, detail)
    return removed


def _count(connection: Connection, before: datetime, removed: Removed) -> None:
    last = 0
    while ids := _some(connection, before, last):
        count_predictions(connection, ids, removed)
        last = ids[-1]
    for table, which in _others(before):
        many = sa.select(sa.func.count()).select_from(table).where(which)
        removed.rows[table.name] += connection.execute(many).scalar_one()


def _some(connection: Connection, before: datetime, after: int) -> list[int]:
    chosen = (
        sa.select(prediction.c.id)
        .where(prediction.c.id > after, _goes(before))
        .order_by(prediction.c.id)
        .limit(_AT_ONCE)
    )
    return list(connection.execute(chosen).scalars())


def _goes(before: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(_old(before), ~_waits())


def _old(before: datetime) -> sa.ColumnElement[bool]:
    decided = sa.exists().where(decision.c.prediction == prediction.c.id, decision.c.at >= before)
    reviewed = (
        sa.exists()
        .where(decision.c.prediction == prediction.c.id)
        .where(review.c.decision == decision.c.id, review.c.at >= before)
    )
    return sa.and_(prediction.c.at < before, ~decided, ~reviewed)


def _waits() -> sa.ColumnElement[bool]:
    """Whether a person is to look at one of its decisions: a task is open, or an audit is."""
    asked = (
        sa.exists()
        .where(decision.c.prediction == prediction.c.id)
        .where(task.c.decision == decision.c.id, task.c.closed.is_(None))
    )
    said = sa.exists().where(
        review.c.decision == decision.c.id, review.c.kind == "audit", is_standing()
    )
    drawn = (
        sa.exists()
        .where(decision.c.prediction == prediction.c.id)
        .where(audit.c.decision == decision.c.id, ~said)
    )
    return sa.or_(asked, drawn)


def _others(before: datetime) -> tuple[tuple[sa.Table, sa.ColumnElement[bool]], ...]:
    """What does not hang on an answer, and which of it is old; in the order of removal."""
    old_run = sa.select(run.c.id).where(run.c.started < before)
    stays, other = sa.not_(_goes(before)), decision.alias()
    answered = sa.exists().where(prediction.c.run == run.c.id, stays)
    decided = sa.exists().where(
        other.c.run == run.c.id, other.c.prediction == prediction.c.id, stays
    )
    return (
        (dead_letter, dead_letter.c.at < before),
        (reject, reject.c.run.in_(old_run)),
        (run, sa.and_(run.c.started < before, ~decided, ~answered)),
    )
