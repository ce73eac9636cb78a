"""The row of the table `run` that a batch begins with and ends with."""

import json
from dataclasses import dataclass
from datetime import datetime, timezone

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.decisions.batch.job import Job, Summary
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.partitions import DAYS_AHEAD, make_days


@dataclass(frozen=True)
class Begun:
    """A run that has begun.

    Attributes:
        run: its number.
        after: number of the last decision before it; clocks may jump, numbers do not.
    """

    run: int
    after: int


def begin(connection: Connection, job: Job) -> Begun:
    """Notes that a run begins, keeps its rules, and makes the days that it may write to."""
    now, rules = utc_now(), job.rules
    make_days(connection, now, DAYS_AHEAD)
    known = sa.select(tables.rules.c.digest).where(tables.rules.c.digest == rules.digest)
    if connection.execute(known).first() is None:
        row = {"digest": rules.digest, "stored": now, "content": rules.content}
        connection.execute(sa.insert(tables.rules), row)
    row = {"started": now, "data": job.data, "rules": rules.digest}
    row |= {"audit_rate": job.sampling.least}
    (number,) = connection.execute(sa.insert(tables.run), row).inserted_primary_key or (0,)
    last = connection.execute(sa.select(sa.func.max(tables.decision.c.id))).scalar()
    return Begun(int(number), int(last or 0))


def end(connection: Connection, begun: Begun, summary: Summary) -> None:
    """Notes that a run is whole, and counts its decisions.

    They are counted in the database: a call whose answer was lost, and that was repeated, knows
    only of those that it did not find there.
    """
    run = tables.run
    summary.new = _decisions(connection, begun)
    values = {"model": summary.model, "summary": json.dumps(summary.to_json())}
    connection.execute(
        sa.update(run).where(run.c.id == begun.run).values(ended=utc_now(), **values)
    )


def ended(connection: Connection, begun: Begun) -> int:
    """Products that a run has decided about or given up."""
    return _decisions(connection, begun) + sum(
        connection.execute(
            sa.select(sa.func.count()).select_from(table).where(table.c.run == begun.run)
        ).scalar_one()
        for table in (tables.reject, tables.dead_letter)
    )


def _decisions(connection: Connection, begun: Begun) -> int:
    table = tables.decision
    # The number is for the index.
    mine = sa.select(sa.func.count()).where(table.c.id > begun.after, table.c.run == begun.run)
    return int(connection.execute(mine.select_from(table)).scalar_one())


def utc_now() -> datetime:
    """The present moment, with its time zone."""
    return datetime.now(timezone.utc)


def active_backoffs(connection: Connection) -> dict[str, str]:
    """The id of each active back-off by its category, "" for that of all."""
    table = tables.backoff
    found = connection.execute(
        sa.select(table.c.category, table.c.id).where(table.c.lifted.is_(None))
    )
    return {category: str(id_) for category, id_ in found}
