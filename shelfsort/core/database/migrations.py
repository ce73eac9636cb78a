"""Brings a database to the form that this version of the code needs."""

import functools
import zlib
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from shelfsort.core.database.columns import ABOUT, explain
from shelfsort.core.database.engine import reading_errors, shown
from shelfsort.core.errors import InputError
from shelfsort.core.terminal import one_line


def upgrade(
    engine: Engine, place: str, folder: Path, table: str, metadata: sa.MetaData | None = None
) -> None:
    """Makes the tables, or changes those of an older version; several may call it at once.

    Args:
        engine: of the database.
        place: of the database, for messages.
        folder: that holds the folder `versions` with Alembic's revisions.
        table: that holds the database's revision; each room of a database has its own.
        metadata: whose table `about` is written again where the tables were changed.

    Raises:
        InputError: the database cannot be used, or a newer version of the code made it; or it is a
            SQLite file that holds another program's tables.
    """
    script = _scripts(folder)
    with reading_errors(place), engine.begin() as connection:
        _lock(connection, table)
        before = revision(connection, table)
        if before is None:
            _refuse_others(connection, place)
        _refuse_newer(script, before, place)
        _run(script, connection, table)
        if metadata is not None and revision(connection, table) != before:
            explain(connection, metadata)


def revision(connection: Connection, table: str) -> str | None:
    """The revision of a database; None where it has no tables yet."""
    options = {"version_table": table}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def known_revisions(folder: Path) -> set[str]:
    """The revisions beneath a folder, as for `upgrade`."""
    return {each.revision for each in _scripts(folder).walk_revisions()}


def _scripts(folder: Path) -> ScriptDirectory:
    files = (folder / "versions").glob("*.py")
    return _read_scripts(folder, tuple(sorted(path.name for path in files)))


@functools.lru_cache(maxsize=8)
def _read_scripts(folder: Path, _files: tuple[str, ...]) -> ScriptDirectory:
    """Takes a third of opening a database that exists; `_files` makes new ones known."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("version_locations", str(folder / "versions"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def _lock(connection: Connection, table: str) -> None:
    # SQLite: the transaction began as a writer.
    if connection.dialect.name == "postgresql":
        key = zlib.crc32(table.encode())
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def _refuse_others(connection: Connection, place: str) -> None:
    """A SQLite file belongs to one program. PostgreSQL's databases are shared on purpose."""
    names = sa.inspect(connection).get_table_names() if connection.dialect.name == "sqlite" else []
    if names and ABOUT not in names:
        raise InputError(
            f"{shown(place)}: holds another program's tables ({one_line(names[0])}, …). Give the "
            "name of a file of its own."
        )


def _refuse_newer(script: ScriptDirectory, current: str | None, place: str) -> None:
    known = {each.revision for each in script.walk_revisions()}
    if current is not None and current not in known:
        raise InputError(
            f"{shown(place)}: a newer Shelfsort made this database (revision {current}). "
            "Install that version."
        )


def _run(script: ScriptDirectory, connection: Connection, table: str) -> None:
    def steps(current: Any, _context: MigrationContext) -> Any:
        return script._upgrade_revs("head", current)

    with EnvironmentContext(Config(), script, fn=steps, destination_rev="head") as environment:
        environment.configure(connection=connection, version_table=table)
        environment.run_migrations()
