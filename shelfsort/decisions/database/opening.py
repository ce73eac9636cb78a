"""Opens a results database, which is brought to the present form."""

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.core.database.engine import open_engine, reading_errors
from shelfsort.core.database.migrations import upgrade
from shelfsort.core.database.patience import patiently
from shelfsort.core.database.rooms import Room
from shelfsort.decisions.database.tables import metadata

ROOM = Room("decisions", Path(__file__).parent, "decisions_revision")


def open_database(place: str, *, must_exist: bool = False) -> Engine:
    """The engine of a results database; its tables are made or migrated.

    Args:
        place: as `core.database.engine.open_engine` takes it.
        must_exist: refuse a SQLite file that is not there.

    Raises:
        InputError: it cannot be used, or a newer version made it.
    """
    engine = open_engine(place, must_exist=must_exist)
    upgrade(engine, place, ROOM.folder, ROOM.table, metadata)
    return engine


def open_patiently(place: str, patience_s: float, say: Callable[[str], None]) -> Engine:
    """As `open_database`, of a server that need not be up yet.

    Args:
        place: as there.
        patience_s: seconds to wait for it.
        say: shows a line.

    Raises:
        InputError: as there.
        RunFailed: the server stayed away.
    """
    engine = open_engine(place)
    if engine.dialect.name != "sqlite":
        with reading_errors(place):
            patiently(engine, patience_s, say, lambda to: to.execute(sa.text("SELECT 1")))
    upgrade(engine, place, ROOM.folder, ROOM.table, metadata)
    return engine
