"""Inserts that meet rows which are there already, in SQLite and PostgreSQL."""

from collections.abc import Collection, Mapping
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


def _insert(connection: Connection, table: sa.Table) -> Any:
    return _KINDS[connection.dialect.name](table)
