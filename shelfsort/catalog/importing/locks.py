"""One process at a time: for the import of a source, and for the store of pictures."""

import fcntl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.core.errors import InputError
from shelfsort.core.storage import local_path


@contextmanager
def only_one(engine: Engine, name: str, taken: str = "") -> Iterator[None]:
    """Holds a part of a database for this process; a kill frees it.

    Args:
        engine: of the database.
        name: of the part, such as a source.
        taken: what to say where another process holds it; "" where that one imports it.

    Raises:
        InputError: another process holds it.
    """
    said = taken or f"{name}: another process imports it. Wait until it has ended."
    if engine.dialect.name == "postgresql":
        with _server(engine, name, said):
            yield
    else:
        with _file(engine, name, said):
            yield


@contextmanager
def _file(engine: Engine, name: str, said: str) -> Iterator[None]:
    database = local_path(str(engine.url.database))
    with database.with_name(f".{database.name}.{name}.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(said) from error
        yield


@contextmanager
def _server(engine: Engine, name: str, said: str) -> Iterator[None]:
    key = {"key": zlib.crc32(f"catalog:{name}".encode())}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        taken = sa.text("SELECT pg_try_advisory_lock(:key)")
        if not connection.execute(taken, key).scalar_one():
            raise InputError(said)
        try:
            yield
        finally:
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), key)
