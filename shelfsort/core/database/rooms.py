"""What a database holds: rooms, each with tables, migrations and a revision of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.core.database.migrations import known_revisions, revision


@dataclass(frozen=True)
class Room:
    """A set of tables that are migrated together.

    Attributes:
        name: such as `decisions`.
        folder: that holds the folder `versions` with Alembic's revisions.
        table: that holds the revision.
    """

    name: str
    folder: Path
    table: str

    def knows(self, revision_: str) -> bool:
        """Whether this version of the code can bring a database of a revision to its form."""
        return revision_ in known_revisions(self.folder)


def revisions(connection: Connection, rooms: Sequence[Room]) -> dict[str, str]:
    """The revision of each of `rooms` that a database has, by its name."""
    there = set(sa.inspect(connection).get_table_names())
    found = {each.name: revision(connection, each.table) for each in rooms if each.table in there}
    return {name: value for name, value in found.items() if value is not None}


def row_counts(connection: Connection) -> dict[str, int]:
    """Number of rows of each table of the default schema, partitions aside."""
    names = sa.inspect(connection).get_table_names()
    if connection.dialect.name == "postgresql":
        parts = sa.text("SELECT relname FROM pg_class WHERE relispartition")
        names = sorted(set(names) - set(connection.execute(parts).scalars()))
    many = sa.func.count()
    return {
        name: connection.execute(sa.select(many).select_from(sa.table(name))).scalar_one()
        for name in sorted(names)
    }
