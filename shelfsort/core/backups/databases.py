"""Backs up and restores a database of Shelfsort's, whatever keeps it."""

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from shelfsort.core.backups import postgresql, sqlite
from shelfsort.core.backups.archive import Heading, reading_backup, write_backup
from shelfsort.core.backups.placing import place_new
from shelfsort.core.database.engine import open_engine, reader, reading_errors, shown
from shelfsort.core.database.rooms import Room, revisions, row_counts
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.files import refuse_inputs
from shelfsort.core.storage import Place, is_remote, local_path

SQLITE, POSTGRESQL = "sqlite", "postgresql"


def back_up(place: str, target: Place, rooms: Sequence[Room]) -> Heading:
    """Writes one state of a database to a file; it may be used meanwhile.

    Args:
        place: of the database: path or URL.
        target: path or address of the backup.
        rooms: that a database may hold.

    Raises:
        InputError: it is no database of Shelfsort's, or a program is not installed.
        RunFailed: it cannot be read.
        OSError: the backup cannot be written.
    """
    refuse_inputs(target, place if not is_remote(place) else None, option="--to")
    made = datetime.now(timezone.utc).isoformat(timespec="seconds")
    with TemporaryDirectory(prefix="shelfsort-backup-") as folder:
        content = Path(folder) / "content"
        if is_remote(place):
            kind, (found, rows) = POSTGRESQL, _dumped(place, content, rooms)
        else:
            open_engine(place, must_exist=True).dispose()
            sqlite.copy_database(local_path(place), content)
            kind, (found, rows) = SQLITE, described(str(content), rooms)
        if not found:
            raise InputError(f"{shown(place)}: no database of Shelfsort's. Give the place of one.")
        return write_backup(target, Heading(kind, made, found, rows), content)


def restore(source: Place, place: str, rooms: Sequence[Room], *, replace: bool) -> Heading:
    """Restores a database, all of it or nothing, after a look at checksum and revision.

    Args:
        source: path or address of the backup.
        place: of the database: path or URL.
        rooms: that a database may hold.
        replace: whether one that is there may be overwritten.

    Raises:
        InputError: the backup is damaged, of another kind or of a later version; or there is a
            database already.
        RunFailed: it cannot be written.
    """
    remote = is_remote(place)
    folder = None if remote else local_path(place).absolute().parent
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder. Make it, or give another path.")
    with reading_backup(source, folder) as (heading, content):
        _refuse_other(source, heading, POSTGRESQL if remote else SQLITE, rooms)
        if remote:
            _refuse_filled(place, rooms, replace)
            postgresql.restore(place, content, replace=replace)
            _compare(place, heading, described(place, rooms))
        else:
            sqlite.check_database(content)
            _compare(str(source), heading, described(str(content), rooms))
            target = local_path(place)
            if replace and target.exists():
                sqlite.place_over(content, target)
            else:
                place_new(content, target)
    return heading


def described(place: str, rooms: Sequence[Room]) -> tuple[dict[str, str], dict[str, int]]:
    """The revision of each room that a database has, and the rows of each table."""
    engine = open_engine(place, must_exist=True)
    try:
        with reading_errors(place), reader(engine) as connection:
            return revisions(connection, rooms), row_counts(connection)
    finally:
        engine.dispose()


def _dumped(
    place: str, content: Path, rooms: Sequence[Room]
) -> tuple[dict[str, str], dict[str, int]]:
    engine = open_engine(place)
    try:
        with reading_errors(place), reader(engine) as connection:
            found = revisions(connection, rooms), row_counts(connection)
            snapshot = connection.execute(sa.text("SELECT pg_export_snapshot()")).scalar_one()
            if found[0]:
                postgresql.dump(place, snapshot, content)
            return found
    finally:
        engine.dispose()


def _refuse_other(source: Place, heading: Heading, kind: str, rooms: Sequence[Room]) -> None:
    if heading.kind != kind:
        raise InputError(
            f"{source}: a backup of {heading.kind}, which cannot be restored into {kind}. Give a "
            f"place of {heading.kind}."
        )
    known = {each.name: each for each in rooms}
    for name, revision in heading.revisions.items():
        if name not in known or not known[name].knows(revision):
            raise InputError(
                f"{source}: a newer Shelfsort made this backup ({name} at revision {revision}). "
                "Install that version."
            )


def _refuse_filled(place: str, rooms: Sequence[Room], replace: bool) -> None:
    if described(place, rooms)[0] and not replace:
        raise InputError(
            f"{shown(place)}: holds a database of Shelfsort's already. Give --replace, or another "
            "database."
        )


def _compare(place: str, heading: Heading, found: tuple[dict[str, str], dict[str, int]]) -> None:
    wrong = [name for name, n in heading.rows.items() if found[1].get(name) != n]
    if found[0] != dict(heading.revisions) or wrong:
        what = f"the rows of {wrong[0]}" if wrong else "the revision"
        raise RunFailed(f"{shown(place)}: {what} are not those of the backup's heading")
