"""Stores an accepted pass, a batch at a time; a kill loses no batch and repeats none."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.catalog.database.tables import (
    history,
    link,
    product,
    product_link,
    pull,
    quarantine,
    source,
    stage,
)
from shelfsort.catalog.importing.staging import CONTENT
from shelfsort.core.database.upserts import insert_or_keep, insert_or_update, insert_rows

_ROWS_AT_ONCE = 5_000
_CHARS_AT_ONCE = 32_000_000
_URLS_AT_ONCE = 5_000
_DIFFER = tuple(name for name in CONTENT if name != "variants")


@dataclass(frozen=True)
class _Batch:
    """Rows of a pass that are stored in one transaction.

    Attributes:
        pull: number of the pass.
        source: its name.
        after: number of the last staged row before it.
        last: number of its last staged row.
        contents: values of the columns `CONTENT` by id at the source, of changed rows only.
        digests: of the same.
        links: address and host of each picture, of the same.
        now: the moment.
    """

    pull: int
    source: str
    after: int
    last: int
    contents: Mapping[str, Mapping[str, Any]]
    digests: Mapping[str, str]
    links: Mapping[str, Sequence[tuple[str, str]]]
    now: datetime

    @property
    def staged(self) -> sa.ColumnElement[bool]:
        """Which rows of `stage` are in it."""
        return sa.and_(stage.c.pull == self.pull, stage.c.id > self.after, stage.c.id <= self.last)


def apply(engine: Engine, number: int, name: str, said: Callable[[int], None]) -> None:
    """Stores what a pass staged, and ends the pass as whole.

    Args:
        engine: of the database.
        number: of the pass, whose outcome is `accepted`.
        name: of the source.
        said: is called with the number of rows after each batch.
    """
    # PostgreSQL would pass over what it has deleted again and again.
    done = after = 0
    while True:
        with engine.begin() as connection:
            batch, size = _next(connection, number, name, after)
            if batch is None:
                _end(connection, number, name)
                return
            _store(connection, batch)
        done, after = done + size, batch.last
        said(done)


def _next(connection: Connection, number: int, name: str, after: int) -> tuple[_Batch | None, int]:
    columns = (stage.c.id, stage.c.source_id, stage.c.digest, stage.c.content)
    chosen = sa.select(*columns).where(stage.c.pull == number, stage.c.id > after)
    rows = _some(connection, chosen.order_by(stage.c.id).limit(_ROWS_AT_ONCE))
    if not rows:
        return None, 0
    contents, digests, links = {}, {}, {}
    for _, id_, digest, text in rows:
        if text:
            *values, pictures = json.loads(text)
            contents[id_] = dict(zip(CONTENT, values, strict=True))
            digests[id_], links[id_] = digest, [(url, host) for url, host in pictures]
    now = datetime.now(timezone.utc)
    batch = _Batch(number, name, after, rows[-1].id, contents, digests, links, now)
    return batch, len(rows)


def _some(connection: Connection, chosen: sa.Select[Any]) -> list[sa.Row[Any]]:
    """The first rows, so many that their content can be held; one at least."""
    rows = []
    left = _CHARS_AT_ONCE
    streamed = chosen.execution_options(stream_results=True, max_row_buffer=500)
    with connection.execute(streamed) as result:
        for row in result:
            rows.append(row)
            left -= len(row.content)
            if left < 0:
                break
    return rows


def _store(connection: Connection, batch: _Batch) -> None:
    before = _before(connection, batch)
    pictures = _pictures(connection, [row.id for row in before.values()])
    _write_history(connection, batch, before, pictures)
    _write_products(connection, batch)
    ids = _ids(connection, batch)
    _write_links(connection, batch, ids, pictures)
    counted = {
        "new": pull.c.new + len(batch.contents.keys() - before.keys()),
        "changed": pull.c.changed + len(batch.contents.keys() & before.keys()),
    }
    connection.execute(sa.update(pull).where(pull.c.id == batch.pull).values(counted))
    connection.execute(sa.delete(stage).where(batch.staged))


def _same(batch: _Batch) -> sa.ColumnElement[bool]:
    """Joins staged rows with their products."""
    return sa.and_(product.c.source == batch.source, product.c.source_id == stage.c.source_id)


def _before(connection: Connection, batch: _Batch) -> dict[str, sa.Row[Any]]:
    """The products of changed rows and those that were gone, as they are, by id at the source."""
    names = ("id", "source_id", "gone", *CONTENT)
    chosen = (
        sa.select(*(product.c[name] for name in names))
        .join(stage, _same(batch))
        .where(batch.staged, (stage.c.content != "") | product.c.gone.is_not(None))
    )
    return {row.source_id: row for row in connection.execute(chosen)}


def _pictures(connection: Connection, products: Sequence[int]) -> dict[int, list[str]]:
    """The addresses of the pictures of products, in order."""
    found: dict[int, list[str]] = {number: [] for number in products}
    for some in _parts(products, _URLS_AT_ONCE):
        chosen = (
            sa.select(product_link.c.product, link.c.url)
            .join(link, link.c.id == product_link.c.link)
            .where(product_link.c.product.in_(some))
            .order_by(product_link.c.product, product_link.c.position)
        )
        for number, url in connection.execute(chosen):
            found[number].append(url)
    return found


def _write_history(
    connection: Connection,
    batch: _Batch,
    before: Mapping[str, sa.Row[Any]],
    pictures: Mapping[int, list[str]],
) -> None:
    rows = []
    for id_, old in before.items():
        was: dict[str, Any] = {}
        if id_ in batch.contents:
            new = batch.contents[id_]
            was = {name: getattr(old, name) for name in _DIFFER if getattr(old, name) != new[name]}
            if pictures[old.id] != [url for url, _ in batch.links[id_]]:
                was["images"] = pictures[old.id]
        if old.gone is not None:
            was["gone"] = old.gone.isoformat()
        if was:
            text = json.dumps(was, ensure_ascii=False)
            rows.append({"product": old.id, "until": batch.now, "was": text})
    if rows:
        insert_rows(connection, history, sa.insert(history), rows)


def _write_products(connection: Connection, batch: _Batch) -> None:
    fixed = {"source": batch.source, "first_seen": batch.now, "changed": batch.now}
    rows = [
        {**fixed, "pull": batch.pull, "source_id": id_, "digest": batch.digests[id_], **content}
        for id_, content in batch.contents.items()
    ]
    if rows:
        columns = (*CONTENT, "digest", "changed", "pull")
        key = ("source", "source_id")
        insert = insert_or_update(connection, product, key, columns)
        insert_rows(connection, product, insert, rows)
    seen = sa.select(stage.c.source_id).where(batch.staged)
    there = (product.c.source == batch.source) & product.c.source_id.in_(seen)
    elsewhere = (product.c.pull != batch.pull) | product.c.gone.is_not(None)
    values = {"pull": batch.pull, "gone": None}
    connection.execute(sa.update(product).where(there, elsewhere).values(values))


def _ids(connection: Connection, batch: _Batch) -> dict[str, int]:
    """Our number of each changed product."""
    chosen = (
        sa.select(product.c.source_id, product.c.id)
        .join(stage, _same(batch))
        .where(batch.staged, stage.c.content != "")
    )
    return dict(connection.execute(chosen).tuples().all())


def _write_links(
    connection: Connection,
    batch: _Batch,
    ids: Mapping[str, int],
    pictures: Mapping[int, list[str]],
) -> None:
    differ = {
        ids[id_]: links
        for id_, links in batch.links.items()
        if pictures.get(ids[id_], []) != [url for url, _ in links]
    }
    hosts = {url: host for links in differ.values() for url, host in links}
    new = [{"url": url, "host": host, "due": batch.now} for url, host in hosts.items()]
    if new:
        # In one order, since two imports that lock the same rows would wait for each other.
        new.sort(key=lambda each: str(each["url"]))
        insert_rows(connection, link, insert_or_keep(connection, link, ("url",)), new)
    numbers: dict[str, int] = {}
    for some in _parts(list(hosts), _URLS_AT_ONCE):
        chosen = sa.select(link.c.url, link.c.id).where(link.c.url.in_(some))
        numbers.update(connection.execute(chosen).tuples().all())
    stale = [number for number in differ if pictures.get(number)]
    for part in _parts(stale, _URLS_AT_ONCE):
        connection.execute(sa.delete(product_link).where(product_link.c.product.in_(part)))
    rows = [
        {"product": number, "position": position, "link": numbers[url]}
        for number, links in differ.items()
        for position, (url, _) in enumerate(links)
    ]
    if rows:
        insert_rows(connection, product_link, sa.insert(product_link), rows)


def _end(connection: Connection, number: int, name: str) -> None:
    now = datetime.now(timezone.utc)
    gone = 0
    if connection.execute(sa.select(pull.c.lists_all).where(pull.c.id == number)).scalar_one():
        missing = (product.c.source == name) & (product.c.pull != number)
        there = sa.update(product).where(missing, product.c.gone.is_(None))
        gone = connection.execute(there.values(gone=now)).rowcount
    ended = {"outcome": "whole", "ended": now, "gone": gone}
    connection.execute(sa.update(pull).where(pull.c.id == number).values(ended))
    state = sa.select(pull.c.state).where(pull.c.id == number).scalar_subquery()
    connection.execute(sa.update(source).where(source.c.name == name).values(state=state))
    older = sa.select(pull.c.id).where(pull.c.source == name, pull.c.id < number)
    connection.execute(sa.delete(quarantine).where(quarantine.c.pull.in_(older)))


def _parts(items: Sequence[Any], most: int) -> Iterable[Sequence[Any]]:
    return (items[start : start + most] for start in range(0, len(items), most))
