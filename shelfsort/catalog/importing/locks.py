"""One import of a source at a time."""

import fcntl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.core.errors import InputError
from shelfsort.core.storage import local_path


@contextmanager
def only_one(engine: Engine, name: str) -> Iterator[None]:
    """Holds a source of a database for this process; a kill frees it.

    Raises:
        InputError: another process holds it.
    """
    held = _server(engine, name) if engine.dialect.name == "postgresql" else _file(engine, name)
    with held:
        yield


@contextmanager
def _file(engine: Engine, name: str) -> Iterator[None]:
    database = local_path(str(engine.url.database))
    with database.with_name(f".{database.name}.{name}.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _held(name) from error
        yield


@contextmanager
def _server(engine: Engine, name: str) -> Iterator[None]:
    key = {"key": zlib.crc32(f"catalog:{name}".encode())}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        taken = sa.text("SELECT pg_try_advisory_lock(:key)")
        if not connection.execute(taken, key).scalar_one():
            raise _held(name)
        try:
            yield
        finally:
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), key)


def _held(name: str) -> InputError:
    return InputError(f"{name}: another process imports it. Wait until it has ended.")
