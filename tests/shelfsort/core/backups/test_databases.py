"""A backup holds one whole state; a restore is all or nothing, whatever is killed."""

import json
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
import zipfile
from datetime import datetime, timezone

import pytest
import sqlalchemy as sa

from shelfsort.core.backups import databases, postgresql
from shelfsort.core.backups.archive import read_heading
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.opening import ROOM, open_database

NOW = datetime(2026, 11, 27, tzinfo=timezone.utc)
ROOMS = (ROOM,)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """The place of an empty results database."""
    if request.param == "sqlite":
        return str(tmp_path / "d.db")
    return request.getfixturevalue("postgresql")


@pytest.fixture
def other(place, tmp_path, request):
    """A second place of the same kind, where nothing is."""
    if not place.startswith("postgresql"):
        yield str(tmp_path / "other.db")
        return
    name = sa.make_url(place).database + "_other"
    engine = sa.create_engine(
        sa.make_url(place).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield place.replace(sa.make_url(place).database, name)
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


def fill(place, *names, n=1):
    """Writes events, each with a name."""
    engine = open_database(place)
    rows = [{"at": NOW, "who": name, "what": "x" * 200} for name in names for _ in range(n)]
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.event), rows)
    engine.dispose()


def names(place):
    engine = open_database(place)
    with engine.connect() as connection:
        found = connection.execute(sa.select(tables.event.c.who).order_by(tables.event.c.id))
        listed = list(found.scalars())
    engine.dispose()
    return listed


def test_a_restored_database_has_the_rows_the_revision_and_the_views(place, other, tmp_path):
    fill(place, "Ann", "Bob")
    file = tmp_path / "b.backup"
    made = databases.back_up(place, file, ROOMS)
    assert (made.rows["event"], list(made.revisions)) == (2, ["decisions"])
    assert read_heading(file) == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    fill(place, "Cid")
    databases.restore(file, other, ROOMS, replace=False)
    assert (names(place), names(other)) == (["Ann", "Bob", "Cid"], ["Ann", "Bob"])
    engine = open_database(other)
    with engine.connect() as connection:
        views = sa.inspect(connection).get_view_names()
        assert {"latest_decision", "active_backoffs"} <= set(views)
    engine.dispose()
    fill(other, "Dan")
    assert names(other)[-1] == "Dan"


def test_what_is_there_is_replaced_only_if_asked(place, tmp_path):
    fill(place, "Ann")
    file = tmp_path / "b.backup"
    databases.back_up(place, file, ROOMS)
    fill(place, "Bob")
    with pytest.raises(InputError, match="--replace"):
        databases.restore(file, place, ROOMS, replace=False)
    assert names(place) == ["Ann", "Bob"]
    databases.restore(file, place, ROOMS, replace=True)
    assert names(place) == ["Ann"]


def rewritten(file, **changes):
    """A backup whose heading says something else."""
    with zipfile.ZipFile(file) as packed:
        heading, content = json.loads(packed.read("backup.json")), packed.read("content")
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("backup.json", json.dumps({**heading, **changes}))
        packed.writestr("content", content)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sha256": "0" * 64}, "not what was written"),
        ({"bytes": 10}, "not what was written"),
        ({"version": 2}, "later version"),
        ({"revisions": {"decisions": "9999"}}, "newer Shelfsort"),
        ({"revisions": {"elsewhere": "0001"}}, "newer Shelfsort"),
        ({"kind": "postgresql"}, "cannot be restored"),
        ({"surprise": 1}, "heading"),
    ],
)
def test_a_backup_that_is_not_what_it_says_is_refused(tmp_path, changes, said):
    place, file = str(tmp_path / "d.db"), tmp_path / "b.backup"
    fill(place, "Ann")
    databases.back_up(place, file, ROOMS)
    rewritten(file, **changes)
    with pytest.raises(InputError, match=said):
        databases.restore(file, str(tmp_path / "other.db"), ROOMS, replace=False)
    assert {each.name for each in tmp_path.iterdir()} == {"d.db", "b.backup"}


def test_rows_that_are_missing_are_noticed(tmp_path):
    place, file = str(tmp_path / "d.db"), tmp_path / "b.backup"
    fill(place, "Ann")
    databases.back_up(place, file, ROOMS)
    rewritten(file, rows={"event": 2})
    with pytest.raises(RunFailed, match="event"):
        databases.restore(file, str(tmp_path / "other.db"), ROOMS, replace=False)
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize("kept", [0, 0.5, 0.99])
def test_a_torn_backup_and_another_file_are_refused(tmp_path, kept):
    place, file = str(tmp_path / "d.db"), tmp_path / "b.backup"
    fill(place, "Ann")
    databases.back_up(place, file, ROOMS)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(InputError, match=r"b\.backup"):
        databases.restore(file, str(tmp_path / "other.db"), ROOMS, replace=False)


def test_a_damaged_database_is_named_by_its_own_name(tmp_path):
    place = tmp_path / "d.db"
    fill(str(place), "Ann")
    content = bytearray(place.read_bytes())
    content[3 * 4096 : 4 * 4096] = b"\xff" * 4096
    place.write_bytes(content)
    with pytest.raises(RunFailed, match=r"d\.db: .*") as refused:
        databases.back_up(str(place), tmp_path / "b", ROOMS)
    assert "\n" not in str(refused.value) and "earlier backup" in str(refused.value)
    assert not (tmp_path / "b").exists()


def test_another_database_is_no_backup_s_business(tmp_path):
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE event (id)")
    with pytest.raises(InputError, match="no database of Shelfsort"):
        databases.back_up(str(tmp_path / "x.db"), tmp_path / "b", ROOMS)
    assert not (tmp_path / "b").exists()


def test_a_missing_program_is_named_with_its_package(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgresql, "_INSTALLED", tmp_path)
    with pytest.raises(InputError, match="postgresql-client"):
        postgresql.restore("postgresql://db/x", tmp_path / "x", replace=False)


def test_the_password_goes_to_the_program_by_its_environment(tmp_path, monkeypatch):
    program = tmp_path / "pg_restore"
    program.write_text('#!/bin/sh\necho "$PGPASSWORD" >"$0.password"; echo "$*" >"$0.words"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for place in ("postgresql://ann:s3cret@db/x", "postgresql://ann@db/x?password=s3cret"):
        postgresql.restore(place, tmp_path / "x", replace=False)
        assert (tmp_path / "pg_restore.password").read_text() == "s3cret\n"
        assert "s3cret" not in (tmp_path / "pg_restore.words").read_text()


RUN = """
import sys
from shelfsort.core.backups import databases
from shelfsort.decisions.database.opening import ROOM
print("begun", flush=True)
if sys.argv[1] == "backup":
    databases.back_up(sys.argv[2], sys.argv[3], (ROOM,))
else:
    databases.restore(sys.argv[3], sys.argv[2], (ROOM,), replace=True)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_kill_leaves_the_old_or_the_new_and_never_a_part(place, tmp_path):
    fill(place, "new", n=10_000)
    file = tmp_path / "new.backup"
    databases.back_up(place, file, ROOMS)
    old = tmp_path / "old.backup"
    draw = random.Random(7)
    killed, lengths = 0, set()
    for action in ("restore", "backup") * 2:
        if action == "restore":
            fill(place, "late")
        before = names(place)
        lengths.add(len(before))
        target = file if action == "restore" else old
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, action, place, str(target)],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        process.stdout.readline()
        time.sleep(draw.uniform(0, 0.4))
        # With PostgreSQL's programs, as a machine that stops.
        os.killpg(process.pid, signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
        after = names(place)
        assert after in (before, ["new"] * 10_000)
        if old.exists():
            assert read_heading(old).rows["event"] in lengths
    assert killed
    databases.restore(file, place, ROOMS, replace=True)
    assert names(place) == ["new"] * 10_000
