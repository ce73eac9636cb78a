"""Copies a SQLite database while it is used, and puts a copy in its place."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from shelfsort.core.database.engine import reason_of
from shelfsort.core.errors import RunFailed

_BUSY_S = 60.0
_MAGIC = b"SQLite format 3\x00"


def is_sqlite(path: Path) -> bool:
    """Whether a file is a SQLite database. Raises OSError."""
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def copy_database(source: Path, target: Path) -> None:
    """Copies one state of a database by SQLite's online backup; writers go on meanwhile.

    Args:
        source: the database.
        target: an empty file, or none.

    Raises:
        RunFailed: it cannot be read, or the copy is damaged.
    """
    with _errors(source), _opened(source) as original, _opened(target) as copy:
        original.backup(copy)
        # A copy of one file: what was written ahead is in it.
        copy.execute("PRAGMA journal_mode = DELETE")
    check_database(target, source)


def check_database(path: Path, shown: Path | None = None) -> None:
    """Reads every page and every key. Raises RunFailed where something is wrong.

    Args:
        path: of the database.
        shown: what to call it in messages; None for the path.
    """
    shown = shown or path
    with _errors(shown), _opened(path) as database:
        found = [str(row[0]) for row in database.execute("PRAGMA integrity_check(1)")]
        broken = database.execute("PRAGMA foreign_key_check").fetchone()
    if found != ["ok"]:
        # The first line may only name the schema.
        reason = found[0].splitlines()[-1]
        raise RunFailed(f"{shown}: the database is damaged ({reason}). Restore an earlier backup")
    if broken is not None:
        raise RunFailed(
            f"{shown}: a row of {broken[0]} points to a row of {broken[2]} that is gone. Restore "
            "an earlier backup"
        )


def place_over(copy: Path, target: Path) -> None:
    """Makes a database what a copy is, in one transaction: a kill leaves the one or the other.

    Raises:
        RunFailed: somebody writes to it for too long, or it cannot be written.
    """
    with _errors(target), _opened(copy) as source, _opened(target) as database:
        source.backup(database)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, timeout=_BUSY_S)
    try:
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise RunFailed(f"{path}: {reason_of(error)}") from error
