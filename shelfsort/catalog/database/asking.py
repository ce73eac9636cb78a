"""Runs a question of a person against a crawl database, which it cannot change."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from shelfsort.core.database.engine import reader, reason_of
from shelfsort.core.errors import InputError
from shelfsort.products.tables.columns import distinct_names

_READING = (
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
)


@dataclass(frozen=True)
class Answer:
    """A part of a table.

    Attributes:
        columns: names, all different.
        rows: values as the database gave them.
        more: whether there are further rows.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    more: bool


def ask(engine: Engine, statement: str, at_most: int) -> Answer:
    """The first rows that a statement gives.

    Raises:
        InputError: it cannot be run, gives no rows, or would change something.
    """
    statement = statement.strip().rstrip(";")
    if ";" in statement:
        # A second statement could end the transaction that only reads.
        raise InputError("--sql: more than one statement, or a semicolon in one. Leave it out.")
    with _asking(engine) as connection:
        result = connection.exec_driver_sql(statement)
        if not result.returns_rows:
            raise InputError("--sql: the statement gives no rows. Begin it with select.")
        columns = distinct_names("--sql", 1, list(result.keys()), tolerant=True)
        rows = [tuple(row) for row in result.fetchmany(at_most + 1)]
        return Answer(tuple(columns), rows[:at_most], len(rows) > at_most)


def _reading(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def _anything(*_: object) -> int:
    # Before Python 3.11 nothing else ends an authorizer.
    return sqlite3.SQLITE_OK


@contextmanager
def _asking(engine: Engine) -> Iterator[Connection]:
    try:
        with reader(engine) as connection:
            driver: Any = connection.connection.driver_connection
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA query_only = ON")
                # ATTACH would make a file, wherever the statement says.
                driver.set_authorizer(_reading)
            else:
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            try:
                yield connection.execution_options(stream_results=True)
            finally:
                if engine.dialect.name == "sqlite":
                    driver.set_authorizer(_anything)
                # The connection goes back to those that others write with.
                connection.detach()
    except SQLAlchemyError as error:
        raise InputError(f"--sql: {reason_of(error)}. Correct the statement.") from error
