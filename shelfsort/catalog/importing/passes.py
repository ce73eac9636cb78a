"""One pass over a source.

The rows of a pass are staged page by page, each page in one transaction with the place where the
source goes on. When the source has ended, the pass is judged as a whole. Only then are its rows
stored, and a refused pass leaves everything as it was. A killed pass goes on where it was.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.catalog.database.tables import product, pull, quarantine, source, stage
from shelfsort.catalog.importing.applying import apply
from shelfsort.catalog.importing.hosts import MainHosts
from shelfsort.catalog.importing.judging import Volume, refusals
from shelfsort.catalog.importing.locks import only_one
from shelfsort.catalog.importing.reasons import Reason, Reasons
from shelfsort.catalog.importing.staging import Stage
from shelfsort.catalog.rows import Page, Source, StaleCursorError
from shelfsort.catalog.sources.base import SourceSettings
from shelfsort.core.database.engine import reader
from shelfsort.core.database.upserts import insert_or_update
from shelfsort.core.errors import InputError

READING, ACCEPTED, WHOLE, UNCHANGED, REFUSED = "", "accepted", "whole", "unchanged", "refused"

Progress = Callable[[str, int, int | None], None]
"""Is called with `read` or `stored`, a number of rows, and how many are expected (or None)."""


@dataclass(frozen=True)
class Passed:
    """What a pass did.

    Attributes:
        source: its name.
        outcome: `whole`, `unchanged` or `refused`.
        rows: different products that the source gave.
        repeated: rows with the id of an earlier row; the last one counts.
        new: products that were not known.
        changed: products with other content than before.
        gone: products that the source no longer has.
        rejected: rows in quarantine.
        reasons: of the quarantine, by code.
        notes: how it was read.
        refusal: why it was refused, empty where it was not.
        resumed: whether it went on where an earlier process had stopped.
    """

    source: str
    outcome: str
    rows: int
    repeated: int
    new: int
    changed: int
    gone: int
    rejected: int
    reasons: dict[str, Reason]
    notes: tuple[str, ...]
    refusal: tuple[str, ...]
    resumed: bool


def run_pass(
    engine: Engine,
    settings: SourceSettings,
    *,
    accept: bool = False,
    restart: bool = False,
    said: Progress = lambda _what, _done, _total: None,
) -> Passed:
    """Makes or ends one pass over a source.

    Args:
        engine: of the crawl database.
        settings: of the source.
        accept: store the pass whatever its numbers are. If the last pass was refused, that one is
            stored as it was read then.
        restart: begin at the beginning, where an earlier process had stopped.
        said: takes the progress.

    Raises:
        InputError: the source cannot be read, or another process imports it. What was read so far
            is kept, and the next pass goes on there.
    """
    with only_one(engine, settings.name):
        return _Pass(engine, settings, said).run(accept, restart)


class _Pass:
    def __init__(self, engine: Engine, settings: SourceSettings, said: Progress):
        self._engine, self._settings, self._said = engine, settings, said
        self._name = settings.name
        self._digest = settings_digest(settings)
        self._number = 0

    def run(self, accept: bool, restart: bool) -> Passed:
        opened = self._settings.open()
        last = self._last()
        resumed = False
        if last is not None and last.outcome == REFUSED and accept and self._is_staged(last):
            self._number = last.id
            self._set(outcome=ACCEPTED)
        elif last is not None and last.outcome == ACCEPTED:
            self._number, resumed = last.id, True
        else:
            resumed = not restart and self._resumes(last)
            self._number = last.id if last is not None and resumed else self._begin()
            self._read(opened, accept)
        if self._row().outcome == ACCEPTED:
            with reader(self._engine) as connection:
                left = _count(connection, stage.c.pull == self._number, stage)
            apply(
                self._engine,
                self._number,
                self._name,
                lambda done: self._said("stored", done, left),
            )
        return _passed(self._row(), resumed)

    def _last(self) -> sa.Row[Any] | None:
        """The newest pass over the source."""
        with self._engine.begin() as connection:
            _write_source(connection, self._settings)
            newest = sa.select(pull).where(pull.c.source == self._name)
            return connection.execute(newest.order_by(pull.c.id.desc()).limit(1)).first()

    def _is_staged(self, last: sa.Row[Any]) -> bool:
        # A pass that was cut off has a place where it would go on.
        return last.settings == self._digest and not last.cursor

    def _resumes(self, last: sa.Row[Any] | None) -> bool:
        return last is not None and last.outcome == READING and last.settings == self._digest

    def _row(self) -> sa.Row[Any]:
        with reader(self._engine) as connection:
            return connection.execute(sa.select(pull).where(pull.c.id == self._number)).one()

    def _set(self, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.update(pull).where(pull.c.id == self._number).values(values))

    def _begin(self) -> int:
        """A new pass; what earlier ones staged and never stored is thrown away."""
        with self._engine.begin() as connection:
            mine = sa.select(pull.c.id).where(pull.c.source == self._name)
            connection.execute(sa.delete(stage).where(stage.c.pull.in_(mine)))
            unread = (pull.c.source == self._name) & (pull.c.outcome == READING)
            connection.execute(sa.delete(pull).where(unread))
            values = {
                "source": self._name,
                "started": datetime.now(timezone.utc),
                "settings": self._digest,
            }
            made = sa.insert(pull).values(values).returning(pull.c.id)
            return connection.execute(made).scalar_one()

    def _read(self, opened: Source, accept: bool) -> None:
        """Stages the source to its end, and judges the pass."""
        try:
            self._read_on(opened, accept)
        except StaleCursorError:
            self._number = self._begin()
            self._set(notes=json.dumps(["read from the beginning again: the source has changed"]))
            try:
                self._read_on(opened, accept)
            except StaleCursorError as error:
                raise InputError(
                    f"{self._name}: the source changes while it is read. Import it again later."
                ) from error

    def _read_on(self, opened: Source, accept: bool) -> None:
        staged, cursor, state = self._stage()
        contract = self._settings.contract
        for page in opened.pages(cursor, state):
            if page.unchanged:
                self._set(outcome=UNCHANGED, ended=datetime.now(timezone.utc), state=state)
                return
            with self._engine.begin() as connection:
                staged.add(connection, page)
                most = contract.most_rows
                endless = most is not None and not accept and staged.rows > 2 * most
                if not page.cursor or endless:
                    self._judge(connection, staged, opened.lists_all, accept)
            self._said("read", staged.rows + staged.rejected, staged.announced)
            if not page.cursor or endless:
                return
        with self._engine.begin() as connection:
            staged.add(connection, Page(()))
            self._judge(connection, staged, opened.lists_all, accept)

    def _stage(self) -> tuple[Stage, str, str]:
        """What is staged already, the cursor to go on at, and what the source remembers."""
        row = self._row()
        with reader(self._engine) as connection:
            known = connection.execute(
                sa.select(product.c.id).where(product.c.source == self._name).limit(1)
            ).first()
            kept = _count(connection, quarantine.c.pull == self._number, quarantine)
            whole = _last_whole(connection, self._name)
            state = ""
            if whole is not None and whole.settings == self._digest:
                state = connection.execute(
                    sa.select(source.c.state).where(source.c.name == self._name)
                ).scalar_one()
        staged = Stage(
            self._number,
            self._name,
            self._settings.contract,
            self._settings.rewrite,
            self._settings.picture_folders,
            _mark(self._settings),
            known is not None,
            row.rows,
            row.rejected,
            kept,
            Reasons.read(row.reasons),
            json.loads(row.notes or "[]"),
            row.announced,
            MainHosts.read(row.hosts),
        )
        return staged, row.cursor, state

    def _judge(self, connection: Connection, staged: Stage, lists_all: bool, accept: bool) -> None:
        products = _count(connection, (stage.c.pull == self._number) & (stage.c.times > 0), stage)
        whole = _last_whole(connection, self._name)
        volume = Volume(
            products,
            staged.rejected,
            staged.rows - products,
            staged.announced,
            None if whole is None else whole.rows,
            lists_all,
            staged.hosts,
            None if whole is None else MainHosts.read(whole.hosts),
            whole is not None and whole.settings == self._digest,
        )
        refusal = refusals(volume, self._settings.contract)
        refused = bool(refusal) and not accept
        values = {
            "outcome": REFUSED if refused else ACCEPTED,
            "ended": datetime.now(timezone.utc) if refused else None,
            "rows": products,
            "repeated": volume.repeated,
            "refusal": json.dumps(refusal),
            "lists_all": lists_all,
        }
        connection.execute(sa.update(pull).where(pull.c.id == self._number).values(values))


def settings_digest(settings: SourceSettings) -> str:
    """16 hex digits that change with any setting that changes what a pass stores."""
    aside = {"name", "folder", "licence", "trusted_categories"}
    return hashlib.blake2b(
        settings.model_dump_json(exclude=aside).encode(), digest_size=8
    ).hexdigest()


def _mark(settings: SourceSettings) -> str:
    if not settings.rewrite and not settings.image_folders:
        return ""
    rules = json.dumps(
        [
            *([each.pattern, each.replacement] for each in settings.rewrite),
            *settings.picture_folders,
        ]
    )
    return "-" + hashlib.blake2b(rules.encode(), digest_size=4).hexdigest()


def _write_source(connection: Connection, settings: SourceSettings) -> None:
    values = {"name": settings.name, "type": settings.type, "licence": settings.licence}
    connection.execute(
        insert_or_update(connection, source, ("name",), ("type", "licence")).values(values)
    )


def _last_whole(connection: Connection, name: str) -> sa.Row[Any] | None:
    """The newest pass over a source that was stored."""
    whole = sa.select(pull).where(pull.c.source == name, pull.c.outcome == WHOLE)
    return connection.execute(whole.order_by(pull.c.id.desc()).limit(1)).first()


def _count(connection: Connection, which: sa.ColumnElement[bool], table: sa.Table) -> int:
    return connection.execute(
        sa.select(sa.func.count()).select_from(table).where(which)
    ).scalar_one()


def _passed(row: sa.Row[Any], resumed: bool) -> Passed:
    return Passed(
        row.source,
        row.outcome,
        row.rows,
        row.repeated,
        row.new,
        row.changed,
        row.gone,
        row.rejected,
        Reasons.read(row.reasons).of,
        tuple(json.loads(row.notes or "[]")),
        tuple(json.loads(row.refusal or "[]")) if row.outcome == REFUSED else (),
        resumed,
    )
