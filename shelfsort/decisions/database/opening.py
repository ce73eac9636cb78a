"""Opens a results database, which is brought to the present form."""

from pathlib import Path

from sqlalchemy.engine import Engine

from shelfsort.core.database.engine import open_engine
from shelfsort.core.database.migrations import upgrade
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
