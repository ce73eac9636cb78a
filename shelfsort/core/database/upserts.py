"""Inserts that meet rows which are there already, in SQLite and PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

_KINDS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert_or_keep(connection: Connection, table: sa.Table, key: Collection[str]) -> Any:
    """An insert that leaves rows with the same `key` (column names) as they are."""
    return _insert(connection, table).on_conflict_do_nothing(index_elements=list(key))


def insert_or_update(
    connection: Connection,
    table: sa.Table,
    key: Collection[str],
    columns: Collection[str],
    added: Collection[str] = (),
    values: Mapping[str, Any] | None = None,
) -> Any:
    """An insert that changes rows with the same `key`.

    Args:
        connection: to the database.
        table: that is written.
        key: names of the columns of a unique constraint.
        columns: names of those that get the new row's values.
        added: names of those whose new number is added to that of the row that is there.
        values: of further columns.
    """
    insert = _insert(connection, table)
    changes = {name: insert.excluded[name] for name in columns}
    changes |= {name: table.c[name] + insert.excluded[name] for name in added}
    return insert.on_conflict_do_update(
        index_elements=list(key), set_={**changes, **(values or {})}
    )


def insert_rows(
    connection: Connection, table: sa.Table, insert: Any, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Inserts many rows; SQLite gets them by column, at half of the usual cost.

    Args:
        connection: to the database.
        table: that is written.
        insert: for it, without values.
        rows: one or more, with the same column names.
    """
    dialect = connection.dialect
    if dialect.name != "sqlite":
        connection.execute(insert, rows)
        return
    compiled = insert.compile(dialect=dialect, column_keys=list(rows[0]))
    columns = []
    for name in compiled.positiontup:
        values = [row[name] for row in rows]
        processor = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        if processor is not None:
            bound = {value: processor(value) for value in set(values)}
            values = [bound[value] for value in values]
        columns.append(values)
    connection.exec_driver_sql(str(compiled), list(zip(*columns, strict=True)))


def _insert(connection: Connection, table: sa.Table) -> Any:
    return _KINDS[connection.dialect.name](table)
