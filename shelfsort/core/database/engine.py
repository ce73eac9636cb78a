"""Opens a database: a SQLite file by its path, PostgreSQL by its URL."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.types import DateTime, TypeDecorator

from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.storage import is_remote, local_path, scheme

_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
_BUSY_MS = 60_000
_AGAIN = "Run the command again: it goes on where it was."
_REFUSED = ("25006", "42501")
"""By SQLSTATE: a server that is only read from, and a user without the right."""
_UNOPENED = "Give a file in a folder that may be written to: also reading writes beside it."
_ROOM = "Make room on its disk, and run the command again: it goes on where it was."
_REMEDIES = {
    "is full": _ROOM,
    "No space left": _ROOM,
    "disk I/O error": "Check its disk, and run the command again.",
    "is locked": "Wait until the other process has ended, and run the command again.",
    "readonly database": "Allow writing to its file and its folder.",
    "read-only transaction": "Name the server that may be written to.",
    "permission denied": "Grant the user of its address reading and writing.",
    "malformed": "Restore a backup: `shelfsort database restore`.",
}


class UtcTime(TypeDecorator[datetime]):
    """A moment, stored in UTC. SQLite keeps it as text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        moment = value.astimezone(timezone.utc)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value


def open_engine(place: str, *, must_exist: bool = False) -> Engine:
    """The engine of a database.

    SQLite begins a transaction as a writer (`BEGIN IMMEDIATE`), so that two processes wait for each
    other instead of failing half-way, and writes ahead to a log that survives a kill. What only
    reads uses `reader`, which waits for nobody.

    Args:
        place: path of a SQLite file, or `postgresql://USER@HOST/NAME`. A password is taken from the
            URL, or as libpq takes it (PGPASSWORD, `~/.pgpass`).
        must_exist: refuse a SQLite file that is not there, where it would be made.

    Raises:
        InputError: there is no such file, no such kind of database, or its driver is missing.
    """
    if scheme(place) in _POSTGRESQL:
        return _postgresql(place)
    if is_remote(place):
        raise InputError(
            f"{shown(place)}: no database of this kind. Give a path or postgresql://…."
        )
    path = local_path(place)
    if must_exist and not path.is_file():
        raise InputError(f"{place}: there is no such database. Give the path of one.")
    return _sqlite(path)


@contextmanager
def reader(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the database throughout, and blocks no writer."""
    isolation = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(reads=True, **isolation) as connection:
        yield connection


@contextmanager
def closing(engine: Engine) -> Iterator[Engine]:
    """The engine, whose connections are closed at the end."""
    try:
        yield engine
    finally:
        engine.dispose()


def shown(place: str) -> str:
    """The address of a database without its password."""
    try:
        return sa.make_url(place).render_as_string(hide_password=True)
    except ArgumentError:
        return place


def reason_of(error: Exception) -> str:
    """What a database said, on one line, without the statement."""
    cause = getattr(error, "orig", None) or error
    said = str(cause).strip()
    if not said:
        # SQLite finds no words for some damage.
        return "the file is malformed" if isinstance(cause, sqlite3.Error) else "no answer"
    return said.splitlines()[0].strip()


def has_password(place: str) -> bool:
    """Whether the address of a database holds a password."""
    try:
        url = sa.make_url(place)
    except ArgumentError:
        return False
    return url.password is not None or "password" in url.query


def failure_of(error: Exception) -> str:
    """What to say of a database that failed while it was used; "" for another error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    reason = reason_of(error)
    known = ("OperationalError", "InterfaceError", "DatabaseError")
    if type(cause).__name__ not in known and getattr(cause, "sqlstate", "") not in _REFUSED:
        return ""
    return f"the database failed ({reason}). {_remedy(reason) or _AGAIN}"


@contextmanager
def reading_errors(place: str) -> Iterator[None]:
    """Turns the errors of connecting and of a broken file into an InputError of one line.

    Raises:
        InputError: the database cannot be opened, or is none.
        RunFailed: its disk is full or fails, or another process holds it.
    """
    try:
        yield
    except DBAPIError as error:
        reason = reason_of(error)
        if remedy := _remedy(reason):
            raise RunFailed(
                f"{shown(place)}: the database cannot be used ({reason}). {remedy}"
            ) from error
        remedy = _UNOPENED if "unable to open" in reason else "Check its address."
        raise InputError(
            f"{shown(place)}: the database cannot be used ({reason}). {remedy}"
        ) from error


def _remedy(reason: str) -> str:
    return next((each for part, each in _REMEDIES.items() if part in reason), "")


def _sqlite(path: Path) -> Engine:
    if path.parent != Path() and not path.parent.is_dir():
        raise InputError(f"{path.parent}: there is no such folder. Make it, or give another path.")
    url = sa.URL.create("sqlite", database=os.fspath(path))
    engine = sa.create_engine(url, connect_args={"timeout": _BUSY_MS / 1000})
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    # The driver would begin transactions by itself, as readers.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _postgresql(place: str) -> Engine:
    try:
        url = sa.make_url(place).set(drivername="postgresql+psycopg")
        return sa.create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as missing:
        raise InputError(
            f"{shown(place)}: needs the package {missing.name!r}. "
            "Run: pip install 'shelfsort[postgres]'"
        ) from missing
    except ArgumentError as error:
        raise InputError(
            "the address of the database is not valid. Give postgresql://…."
        ) from error
