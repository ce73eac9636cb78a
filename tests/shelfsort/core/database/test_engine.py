"""SQLite files and their transactions."""

import sqlite3
import threading
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from shelfsort.core.database import engine as module
from shelfsort.core.database.engine import (
    UtcTime,
    open_engine,
    reader,
    reading_errors,
    reason_of,
    shown,
)
from shelfsort.core.errors import InputError, RunFailed

METADATA = sa.MetaData()
EVENTS = sa.Table("event", METADATA, sa.Column("n", sa.Integer), sa.Column("at", UtcTime))


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(str(tmp_path / "a.db"))
    METADATA.create_all(engine)
    return engine


def test_writers_wait_for_each_other_and_lose_no_update(engine):
    with engine.begin() as connection:
        connection.execute(sa.insert(EVENTS), {"n": 0})

    def count_up() -> None:
        for _ in range(20):
            with engine.begin() as connection:
                n = connection.execute(sa.select(EVENTS.c.n)).scalar_one()
                connection.execute(sa.update(EVENTS).values(n=n + 1))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reader(engine) as connection:
        assert connection.execute(sa.select(EVENTS.c.n)).scalar_one() == 80


def test_a_reader_sees_one_state_and_blocks_no_writer(engine):
    with reader(engine) as reading:
        assert reading.execute(sa.select(sa.func.count()).select_from(EVENTS)).scalar_one() == 0
        with engine.begin() as writing:
            writing.execute(sa.insert(EVENTS), {"n": 1})
        assert reading.execute(sa.select(sa.func.count()).select_from(EVENTS)).scalar_one() == 0


def test_moments_are_stored_in_utc_and_come_back_with_their_zone(engine, tmp_path):
    at = datetime(2026, 11, 27, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    with engine.begin() as connection:
        connection.execute(sa.insert(EVENTS), {"n": 1, "at": at})
        assert connection.execute(sa.select(EVENTS.c.at)).scalar_one() == at
    raw = sqlite3.connect(tmp_path / "a.db").execute("select at from event").fetchone()
    assert raw[0].startswith("2026-11-27 07:30:00")


def test_what_is_no_database_is_one_line(tmp_path):
    with pytest.raises(InputError, match="no such database"):
        open_engine(str(tmp_path / "none.db"), must_exist=True)
    with pytest.raises(InputError, match="no such folder"):
        open_engine(str(tmp_path / "none" / "a.db"))
    with pytest.raises(InputError, match="no database of this kind"):
        open_engine("mysql://user:secret@host/name")
    (tmp_path / "text.db").write_text("a text of no database" * 100)
    refused = pytest.raises(InputError, match=r"text\.db: the database cannot be used")
    with refused, reading_errors(str(tmp_path / "text.db")):
        open_engine(str(tmp_path / "text.db")).connect()


def test_a_folder_in_place_of_the_file_is_told_what_is_needed(tmp_path):
    refused = pytest.raises(InputError, match="a folder that may be written to")
    with refused, reading_errors(str(tmp_path)):
        open_engine(str(tmp_path)).connect()


def test_a_full_disk_and_a_locked_database_are_no_fault_of_the_address(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_BUSY_MS", 50)
    engine = open_engine(str(tmp_path / "a.db"))
    METADATA.create_all(engine)
    full = pytest.raises(RunFailed, match=r"a\.db: .* is full\)\. Make room")
    with full, reading_errors(str(tmp_path / "a.db")), engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 5")
        connection.execute(sa.insert(EVENTS), [{"n": n} for n in range(10_000)])
    engine.dispose()
    locked = pytest.raises(RunFailed, match=r"is locked\)\. Wait until")
    with engine.begin(), locked, reading_errors(str(tmp_path / "a.db")), engine.begin():
        pass


def test_a_password_is_not_shown():
    assert shown("postgresql://ann:secret@host/shop") == "postgresql://ann:***@host/shop"


def test_damage_without_words_is_named(tmp_path):
    assert reason_of(sqlite3.DatabaseError()) == "the file is malformed"
    place = tmp_path / "damaged.db"
    connection = sqlite3.connect(place)
    connection.execute("CREATE TABLE one (x)")
    connection.close()
    place.write_bytes(place.read_bytes()[:3000].ljust(8192, b"\xff"))
    with (
        pytest.raises((InputError, RunFailed), match="malformed"),
        reading_errors(str(place)),
        reader(open_engine(str(place))) as read,
    ):
        read.execute(sa.text("SELECT * FROM one"))
