"""Databases that sources read from, such as a warehouse. None of ours, and nothing is written."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote

import pydantic
import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from shelfsort.core.errors import InputError

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_READS = re.compile(r"[\s(]*(select|with|values|from|table)\b", re.IGNORECASE)


def _only_reads(query: str) -> str:
    if not _READS.match(_COMMENT.sub(" ", query)):
        raise ValueError("the query has to begin with select or with")
    return query


UrlVariable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""Name of the environment variable with the address of a database."""
ReadingQuery = Annotated[
    str, Field(min_length=1, max_length=100_000), pydantic.AfterValidator(_only_reads)
]
"""A query that begins as one that reads; the transaction that it runs in only reads."""


def open_warehouse(name: str, variable: str) -> Engine:
    """The engine of a database that is read only.

    Args:
        name: of the source, which begins messages.
        variable: environment variable that holds the address.

    Raises:
        InputError: the variable is not set or holds no address, or a driver is missing.
    """
    address = os.environ.get(variable, "")
    if not address:
        raise InputError(
            f"{name}: the environment variable {variable} is not set. Set it to the address of the "
            "database."
        )
    try:
        url = sa.make_url(address)
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        path = url.database
        if url.get_backend_name() == "sqlite" and path and not path.startswith((":", "file:")):
            url = url.set(database=f"file:{quote(path)}", query={"mode": "ro", "uri": "true"})
        return sa.create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise InputError(f"{name}: needs the package {error.name!r}. Install it.") from error
    except (ArgumentError, NoSuchModuleError) as error:
        # The message might hold the address with its password.
        raise InputError(
            f"{name}: the address of the database is not valid. Give one such as "
            "postgresql://USER@HOST/NAME."
        ) from error


@contextmanager
def read_only(engine: Engine, at_once: int) -> Iterator[Connection]:
    """A connection whose results come `at_once` rows at a time; the engine ends with it."""
    options: dict[str, Any] = {"stream_results": True, "max_row_buffer": at_once}
    if engine.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    try:
        # Leaving the block rolls back.
        with engine.connect().execution_options(**options) as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def query_errors(name: str) -> Iterator[None]:
    """Turns the errors of a query into one line. Raises InputError."""
    try:
        yield
    except SQLAlchemyError as error:
        original = getattr(error, "orig", None) or error
        said = next((line for line in str(original).splitlines() if line.strip()), "no answer")
        raise InputError(
            f"{name}: the query failed ({said}). Check the query, and that the database answers."
        ) from error
