"""Columns that explain themselves, and the table that lists what they mean."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.schema import SetColumnComment, SetTableComment

from shelfsort.core.database.engine import UtcTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""How constraints and indices are called, so that migrations can name them."""

ABOUT = "about"

# SQLite counts up by itself for INTEGER only.
ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""Type of a row's number."""


def text(name: str, comment: str, **more: Any) -> sa.Column[Any]:
    """A text, "" where nothing is given."""
    return sa.Column(name, sa.Text, nullable=False, server_default="", comment=comment, **more)


def number(name: str, comment: str, **more: Any) -> sa.Column[Any]:
    """A whole number, 0 where nothing is given."""
    return sa.Column(name, sa.Integer, nullable=False, server_default="0", comment=comment, **more)


def moment(name: str, comment: str, **more: Any) -> sa.Column[Any]:
    """A moment in UTC; may be empty unless said otherwise."""
    return sa.Column(name, UtcTime, comment=comment, **more)


def about_table(metadata: sa.MetaData) -> sa.Table:
    """The table that lists what each table and column means, for SQLite, which has no comments."""
    return sa.Table(
        ABOUT,
        metadata,
        sa.Column("table_name", sa.Text, primary_key=True, comment="of this database"),
        sa.Column("column_name", sa.Text, primary_key=True, comment="empty for the table itself"),
        sa.Column("meaning", sa.Text, nullable=False, comment="for people"),
        comment="what each table and column means",
    )


def explain(connection: Connection, metadata: sa.MetaData) -> None:
    """Tells a database what its columns mean: in `about`, and in the comments of PostgreSQL."""
    about = metadata.tables[ABOUT]
    connection.execute(sa.delete(about))
    connection.execute(sa.insert(about), _meanings(metadata))
    if connection.dialect.supports_comments:
        for table in metadata.sorted_tables:
            connection.execute(SetTableComment(table))
            for column in (each for each in table.columns if each.comment):
                connection.execute(SetColumnComment(column))


def _meanings(metadata: sa.MetaData) -> list[dict[str, str]]:
    found = []
    for table in metadata.sorted_tables:
        found.append({"table_name": table.name, "column_name": "", "meaning": table.comment or ""})
        for column in table.columns:
            row = {"table_name": table.name, "column_name": column.name}
            found.append({**row, "meaning": column.comment or _of_key(column)})
    return found


def _of_key(column: sa.Column[Any]) -> str:
    pointed = [key.target_fullname for key in column.foreign_keys]
    return f"points to {pointed[0]}" if pointed else "number of the row"
