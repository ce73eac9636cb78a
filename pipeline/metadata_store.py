"""The metadata store of an output folder: brought into a state that can be read, and asked.

A run that is killed during a commit leaves a journal, and only a process that may write can roll it
back. MLMD's read-only connections cannot.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import ml_metadata
from ml_metadata.proto.metadata_store_pb2 import Event  # type: ignore[attr-defined]

from shelfsort.core.errors import InputError

_BUSY_S = 10.0
_TABLES = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'Context'"


def recover(database: Path) -> bool:
    """Rolls back what a killed run was writing.

    Args:
        database: SQLite file of the store; it need not exist.

    Returns:
        Whether there is a store: False, too, where the run was killed while it made one.

    Raises:
        InputError: the file is damaged, or cannot be read.
    """
    if not database.exists():
        return False
    try:
        with closing(sqlite3.connect(database, timeout=_BUSY_S)) as connection:
            (tables,) = connection.execute(_TABLES).fetchone()
    except sqlite3.Error as error:
        raise InputError(
            f"{database}: the record of earlier runs cannot be read ({error}). Make the folder "
            "writable, restore the file, or name another output folder."
        ) from error
    return bool(tables)


def output_uris(execution_id: int, store: ml_metadata.MetadataStore) -> dict[str, str]:
    """By output key, where an execution's artifact lies: an earlier run's where it was reused."""
    keys = {
        event.artifact_id: event.path.steps[0].key
        for event in store.get_events_by_execution_ids([execution_id])
        if event.type == Event.OUTPUT and event.path.steps
    }
    return {keys[artifact.id]: artifact.uri for artifact in store.get_artifacts_by_id(list(keys))}
