"""Writes answers and decisions: each once, however often it is tried.

Rows go to a temporary table first, in PostgreSQL by COPY, and from there into the tables by two
statements that pass over what is there already.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from shelfsort.core.database.engine import UtcTime
from shelfsort.decisions.database.tables import audit, decision, prediction

_ANSWER = tuple(c.name for c in prediction.columns if c.name not in ("id", "at", "run"))
DECISION = ("rules", "outcome", "reason", "rule", "held_back")
"""Columns that rules add to an answer."""
_AUDIT = ("rate", "draw")
_COLUMNS = (*_ANSWER, *DECISION, *_AUDIT)

_staging = sa.Table(
    "staged_decision",
    sa.MetaData(),
    *(sa.Column(name, prediction.c[name].type) for name in _ANSWER),
    *(sa.Column(name, sa.Text) for name in DECISION),
    *(sa.Column(name, sa.Float) for name in _AUDIT),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DELETE ROWS",
)


def write_decisions(
    connection: Connection, rows: Sequence[Mapping[str, Any]], run: int, at: Any
) -> int:
    """Stores answers with their decisions; returns how many decisions are new.

    Args:
        connection: in a transaction of the caller's.
        rows: of the tables `prediction` and `decision` in one; those with an answer that is stored
            already get their decision only, and those without an outcome get none. A decision with
            a rate is drawn for an audit; see `promise.sampling`.
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
        (*_ANSWER, "at", "run"),
        sa.select(*(_staging.c[name] for name in _ANSWER), *stamped),
    )
    same = sa.and_(*(prediction.c[n] == _staging.c[n] for n in ("product", "input", "model")))
    found = sa.select(prediction.c.id, *(_staging.c[name] for name in DECISION), *stamped)
    found = found.select_from(_staging.join(prediction, same)).where(
        _staging.c.outcome.is_not(None)
    )
    new = _insert(connection, decision, ("prediction", *DECISION, "at", "run"), found)
    drawn = (
        sa.select(decision.c.id, sa.literal(at, UtcTime), *(_staging.c[name] for name in _AUDIT))
        .select_from(
            _staging.join(prediction, same).join(
                decision,
                sa.and_(
                    decision.c.prediction == prediction.c.id,
                    decision.c.rules == _staging.c.rules,
                ),
            )
        )
        .where(_staging.c.rate.is_not(None), decision.c.run == run)
    )
    _insert(connection, audit, ("decision", "drawn", *_AUDIT), drawn)
    return new


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
        connection.execute(sa.insert(_staging), [{n: row[n] for n in _COLUMNS} for row in rows])
        return
    cursor: Any = connection.connection.cursor()
    with cursor.copy(f"COPY {_staging.name} ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([row[name] for name in _COLUMNS])
