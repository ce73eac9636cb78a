"""Writes answers and decisions: each once, however often it is tried.

Rows go to a temporary table first, in PostgreSQL by COPY, and from there into the tables by
statements that pass over what is there already. `copying.copy_decisions` is faster for rows that
are new.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from shelfsort.core.database.engine import UtcTime
from shelfsort.decisions.database.copying import (
    ANSWER,
    AUDIT,
    DECISION,
    DETAIL,
    copy_rows,
)
from shelfsort.decisions.database.partitions import make_days
from shelfsort.decisions.database.tables import audit, decision, prediction, prediction_detail

_KEY = ("product", "input", "model")
_COLUMNS = (*ANSWER, *DETAIL, *DECISION, *AUDIT)

_staging = sa.Table(
    "staged_decision",
    sa.MetaData(),
    *(sa.Column(name, prediction.c[name].type) for name in ANSWER),
    *(sa.Column(name, sa.Text) for name in (*DETAIL, *DECISION)),
    *(sa.Column(name, sa.Float) for name in AUDIT),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DELETE ROWS",
)


def write_decisions(
    connection: Connection, rows: Sequence[Mapping[str, Any]], run: int, at: datetime
) -> int:
    """Stores answers with their decisions; returns how many decisions are new.

    Args:
        connection: in a transaction of the caller's.
        rows: of the tables `prediction`, `prediction_detail` and `decision` in one, no two with the
            same key. Those with an `id` are the answers that are stored already: they get their
            decision only, and need no `DETAIL`. Those without an outcome get no decision. A
            decision with a rate is drawn for an audit; see `promise.sampling`.
        run: that decided.
        at: when, with its time zone.
    """
    if not rows:
        return 0
    _staging.create(connection, checkfirst=True)
    connection.execute(sa.delete(_staging))
    _stage(connection, rows)
    stamped = [sa.literal(at, UtcTime), sa.literal(run)]
    _insert(
        connection,
        prediction,
        (*ANSWER, "at", "run"),
        sa.select(*_staged(ANSWER), *stamped).where(_staging.c.shown.is_not(None)),
    )
    answered = _staging.join(prediction, sa.and_(*(prediction.c[n] == _staging.c[n] for n in _KEY)))
    _write_details(connection, answered, run, at)
    found = sa.select(prediction.c.id, *_staged(DECISION), *stamped).select_from(answered)
    found = found.where(_staging.c.outcome.is_not(None))
    new = _insert(connection, decision, ("prediction", *DECISION, "at", "run"), found)
    if any(row["rate"] is not None for row in rows):
        _write_audits(connection, answered, run, at)
    return new


def _write_details(connection: Connection, answered: sa.Join, run: int, at: datetime) -> None:
    make_days(connection, at)
    # Those of this very call: the others have their details.
    new = sa.and_(prediction.c.run == run, prediction.c.at == sa.literal(at, UtcTime))
    found = sa.select(prediction.c.id, prediction.c.at, *_staged(DETAIL)).select_from(answered)
    names = ("prediction", "at", *DETAIL)
    _insert(connection, prediction_detail, names, found.where(new, _staging.c.shown.is_not(None)))


def _write_audits(connection: Connection, answered: sa.Join, run: int, at: datetime) -> None:
    mine = sa.and_(decision.c.prediction == prediction.c.id, decision.c.rules == _staging.c.rules)
    drawn = (
        sa.select(decision.c.id, sa.literal(at, UtcTime), *_staged(AUDIT))
        .select_from(answered.join(decision, mine))
        .where(_staging.c.rate.is_not(None), decision.c.run == run)
    )
    _insert(connection, audit, ("decision", "drawn", *AUDIT), drawn)


def _staged(names: Sequence[str]) -> list[sa.Column[Any]]:
    return [_staging.c[name] for name in names]


def _insert(
    connection: Connection, table: sa.Table, names: Sequence[str], found: sa.Select[Any]
) -> int:
    """Inserts what is not there yet; returns how many rows that were."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    # SQLite takes ON CONFLICT behind a SELECT only if this has a WHERE.
    chosen = insert(table).from_select(names, found.where(sa.true()))
    done = connection.execute(
        chosen.on_conflict_do_nothing(), execution_options={"preserve_rowcount": True}
    )
    return done.rowcount


def _stage(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    if connection.dialect.name != "postgresql":
        connection.execute(sa.insert(_staging), [{n: row.get(n) for n in _COLUMNS} for row in rows])
        return
    copy_rows(connection, _staging, _COLUMNS, ([row.get(n) for n in _COLUMNS] for row in rows))
