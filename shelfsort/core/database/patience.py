"""Repeats a transaction while the database is away."""

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from shelfsort.core.errors import RunFailed

_Result = TypeVar("_Result")
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 15.0
_AWAY = ("08", "57P", "53300", "25006")
"""By SQLSTATE: no connection, a server that stops or is full, and one that is only read from, as
while another takes over."""
_REFUSALS = ("authentication failed", "does not exist", "no password", "pg_hba.conf")
"""What libpq says of a server that is there and will refuse the next connection, too."""
_COLLISIONS = ("40001", "40P01")
"""Serialization failure and deadlock: another transaction went first."""


def patiently(
    engine: Engine,
    patience_s: float,
    say: Callable[[str], None],
    work: Callable[[Connection], _Result],
) -> _Result:
    """What `work` returns in a transaction, which is repeated where the database fails.

    Args:
        engine: of the database.
        patience_s: seconds that the database may be away.
        say: shows a line.
        work: may run several times, and after a commit whose answer was lost; it has to leave the
            same rows behind.

    Raises:
        RunFailed: the database stayed away.
    """
    end, wait = time.monotonic() + patience_s, _FIRST_WAIT_S
    while True:
        try:
            with engine.begin() as connection:
                return work(connection)
        except Exception as error:
            if not is_passing(error):
                raise
            reason = str(_cause(error)).strip().splitlines()[0]
            if time.monotonic() + wait > end:
                raise RunFailed(
                    f"the database is away ({reason}). The same command goes on."
                ) from error
            say(f"the database is away ({reason}). Tried again in {wait:.1f} s.")
        engine.dispose()
        time.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT_S)


def is_passing(error: Exception) -> bool:
    """Whether the same transaction may succeed later: the server is away, or others were first.

    Errors of a COPY are the driver's own; SQLAlchemy wraps all others.
    """
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = _cause(error)
    state = getattr(cause, "sqlstate", "")
    if state is None:
        # libpq has no state for a connection that could not be made or broke.
        refused = any(each in str(cause) for each in _REFUSALS)
        return type(cause).__name__ == "OperationalError" and not refused
    return state.startswith(_AWAY) or state in _COLLISIONS


def _cause(error: Exception) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
