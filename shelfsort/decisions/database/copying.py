"""Copies answers and decisions straight into the tables of PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.decisions.database.tables import audit, decision, prediction, prediction_detail

ANSWER = tuple(c.name for c in prediction.columns if c.name not in ("id", "at", "run"))
"""Columns of an answer that a model gives."""
DETAIL = tuple(c.name for c in prediction_detail.columns if c.name not in ("prediction", "at"))
"""Columns that a row needs where its answer is new."""
DECISION = ("rules", "outcome", "reason", "rule", "held_back")
"""Columns that rules add to an answer."""
AUDIT = ("rate", "draw")
"""Columns of a decision that is drawn for an audit."""

_NUMBERS = sa.text(
    "SELECT nextval('prediction_id_seq'), nextval('decision_id_seq') FROM generate_series(1, :n)"
)
_REFUSALS = {"23505": "there already", "23514": "no partition", "23503": "answer was deleted"}
"""By SQLSTATE."""


class RefusedRows(Exception):  # noqa: N818
    """A row is there already, its day has no partition, or its stored answer was deleted."""


def copy_decisions(
    connection: Connection, rows: Sequence[Mapping[str, Any]], run: int, at: datetime
) -> int:
    """As `writing.write_decisions`, but for rows that are new.

    Raises:
        RefusedRows: see there. The transaction can only be given up, and the rows written by
            `write_decisions` in another. A savepoint would cost a fifth of the time, always.
    """
    try:
        return _copied(connection, rows, run, at)
    except Exception as error:
        # The driver's own error: SQLAlchemy does not see a COPY.
        if getattr(error, "sqlstate", None) in _REFUSALS:
            raise RefusedRows from error
        raise


def copy_rows(
    connection: Connection,
    table: sa.Table,
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Copies rows into the columns `names` of a table of PostgreSQL."""
    cursor: Any = connection.connection.cursor()
    with cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _copied(
    connection: Connection, rows: Sequence[Mapping[str, Any]], run: int, at: datetime
) -> int:
    numbers = connection.execute(_NUMBERS, {"n": len(rows)}).all()
    numbered = [
        (row, row.get("id") or answer, made)
        for row, (answer, made) in zip(rows, numbers, strict=True)
    ]
    new = [each for each in numbered if not each[0].get("id")]
    decided = [each for each in numbered if each[0]["outcome"] is not None]
    drawn = [each for each in decided if each[0]["rate"] is not None]
    if new:
        copy_rows(
            connection,
            prediction,
            ("id", "at", "run", *ANSWER),
            ((id_, at, run, *_of(row, ANSWER)) for row, id_, _ in new),
        )
        copy_rows(
            connection,
            prediction_detail,
            ("prediction", "at", *DETAIL),
            ((id_, at, *_of(row, DETAIL)) for row, id_, _ in new),
        )
    if decided:
        copy_rows(
            connection,
            decision,
            ("id", "prediction", "at", "run", *DECISION),
            ((made, id_, at, run, *_of(row, DECISION)) for row, id_, made in decided),
        )
    if drawn:
        copy_rows(
            connection,
            audit,
            ("decision", "drawn", *AUDIT),
            ((made, at, *_of(row, AUDIT)) for row, _, made in drawn),
        )
    return len(decided)


def _of(row: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    return [row[name] for name in names]
