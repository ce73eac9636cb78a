"""Writes what tries came to into the crawl database, in short transactions."""

import queue
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from shelfsort.catalog.database.tables import attempt, image, link
from shelfsort.catalog.fetching.outcomes import GOOD, REACHABLE, UNCHANGED, Try, due_by_attempts

_EVERY_S = 0.25
_AT_ONCE = 1_000
_STILL_THERE = (GOOD, UNCHANGED)


@dataclass(frozen=True)
class GivenUp:
    """The rest of a host's links, which this run does not try.

    Attributes:
        host: its name.
        outcome: class that the links get.
        at: when it was given up.
        due_after: until the next try; None for the schedule of the class.
    """

    host: str
    outcome: str
    at: datetime
    due_after: timedelta | None = None


class Recorder:
    """Writes in a thread of its own, so that fetching never waits for the disk.

    A try is in the database a quarter of a second after it ended, or when the write before it is
    done. A kill loses no more than that.

    Attributes:
        saved: number of links by what they came to, as far as the database has them.
        failure: what ended the writing, None while it goes well.
    """

    def __init__(self, engine: Engine, wanted: sa.ColumnElement[bool]):
        """`wanted` selects the links of the run that have not been tried. Starts the thread."""
        self.saved: Counter[str] = Counter()
        self.failure: Exception | None = None
        self._engine, self._wanted = engine, wanted
        self._queue: queue.SimpleQueue[Try | GivenUp | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="records", daemon=True)
        self._thread.start()

    @property
    def behind(self) -> int:
        """Number of tries that wait to be written."""
        return self._queue.qsize()

    def add(self, entry: Try | GivenUp) -> None:
        """Has something written soon."""
        self._queue.put(entry)

    def close(self) -> None:
        """Returns when everything is written. Raises what ended the writing."""
        self._queue.put(None)
        self._closing.set()
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        ended = False
        while not ended and self.failure is None:
            entries, ended = self._next()
            began = time.monotonic()
            try:
                if entries:
                    with self._engine.begin() as connection:
                        saved = self._save(connection, entries)
                    self.saved.update(saved)
            except Exception as error:
                self.failure = error
            if not ended:
                self._closing.wait(max(0.0, _EVERY_S - (time.monotonic() - began)))

    def _next(self) -> tuple[list[Try | GivenUp], bool]:
        entries: list[Try | GivenUp] = []
        entry = self._queue.get()
        while entry is not None:
            entries.append(entry)
            if len(entries) == _AT_ONCE or self._queue.empty():
                return entries, False
            entry = self._queue.get()
        return entries, True

    def _save(self, connection: Connection, entries: Sequence[Try | GivenUp]) -> Counter[str]:
        saved: Counter[str] = Counter()
        tries: list[Try] = []
        for entry in entries:
            if isinstance(entry, Try):
                tries.append(entry)
                saved[entry.outcome] += entry.final
                continue
            save_tries(connection, tries)
            tries = []
            saved[entry.outcome] += self._give_up(connection, entry)
        save_tries(connection, tries)
        return saved

    def _give_up(self, connection: Connection, entry: GivenUp) -> int:
        due: Any = due_by_attempts(entry.outcome, entry.at)
        if entry.due_after is not None:
            due = entry.at + entry.due_after
        changed = connection.execute(
            sa.update(link)
            .where(link.c.host == entry.host, self._wanted)
            .values(state=entry.outcome, checked=entry.at, due=due, attempts=link.c.attempts + 1)
        )
        return changed.rowcount


def save_tries(connection: Connection, tries: Sequence[Try]) -> None:
    """Writes tries: their pictures, what their links lead to now, and the tries themselves."""
    pictures = [_picture(each) for each in tries if each.stored is not None]
    if pictures:
        connection.execute(_new_images(connection.dialect.name), pictures)
    decided = [each for each in tries if each.final and each.outcome != REACHABLE]
    if decided:
        connection.execute(_LINKS, [_link(each) for each in decided])
    reached = [{"of": t.link, "at": t.at} for t in tries if t.outcome == REACHABLE]
    if reached:
        connection.execute(_REACHED, reached)
    if tries:
        connection.execute(sa.insert(attempt), [_attempt(each) for each in tries])


def _new_images(dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(image).on_conflict_do_nothing()


_LINKS = (
    sa.update(link)
    .where(link.c.id == sa.bindparam("of"))
    .values(
        state=sa.bindparam("became"),
        attempts=sa.bindparam("failures"),
        checked=sa.bindparam("at"),
        due=sa.bindparam("next"),
        etag=sa.func.coalesce(sa.bindparam("tag", type_=sa.Text), link.c.etag),
        last_modified=sa.func.coalesce(
            sa.bindparam("modified", type_=sa.Text), link.c.last_modified
        ),
        image=sa.func.coalesce(sa.bindparam("picture", type_=sa.Text), link.c.image),
    )
)
_REACHED = sa.update(link).where(link.c.id == sa.bindparam("of")).values(checked=sa.bindparam("at"))


def _picture(each: Try) -> dict[str, Any]:
    stored = each.stored
    assert stored is not None
    return {
        "digest": stored.digest,
        "format": stored.format,
        "width": stored.width,
        "height": stored.height,
        "bytes": stored.bytes,
        "fetched": each.at,
    }


def _link(each: Try) -> dict[str, Any]:
    there = each.outcome in _STILL_THERE
    return {
        "of": each.link,
        "became": GOOD if there else each.outcome,
        "failures": 0 if there else each.attempts,
        "at": each.at,
        "next": None if there else each.due,
        "tag": each.etag if each.outcome == GOOD else None,
        "modified": each.last_modified if each.outcome == GOOD else None,
        "picture": each.stored.digest if each.stored else None,
    }


def _attempt(each: Try) -> dict[str, Any]:
    return {
        "link": each.link,
        "at": each.at,
        "outcome": each.outcome,
        "status": each.status,
        "detail": each.detail,
        "seconds": each.seconds,
        "bytes": each.bytes,
        "final_url": each.final_url,
    }
