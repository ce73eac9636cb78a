"""Stores the pages of a pass where nothing else sees them."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.catalog.contract import Contract
from shelfsort.catalog.database.tables import product, pull, quarantine, stage
from shelfsort.catalog.importing.addresses import address
from shelfsort.catalog.importing.hosts import MainHosts
from shelfsort.catalog.importing.reasons import ADDRESS, Reasons
from shelfsort.catalog.rows import MAX_ID, Page, Reject, SourceRow
from shelfsort.catalog.sources.base import Rewrite
from shelfsort.core.database.upserts import insert_or_keep, insert_or_update, insert_rows
from shelfsort.products.groups import group_id, group_key

MAX_NOTES = 1_000
_MAX_QUARANTINE = 10_000
_MAX_PLACE, _MAX_DETAIL, _MAX_CONTENT = 500, 500, 2_000
_IDS_AT_ONCE = 5_000
_ENCODER = json.JSONEncoder(ensure_ascii=False)

CONTENT = (
    *("title", "description", "price", "currency", "categories", "gtin", "brand", "mpn"),
    *("part_of", "position", "variants"),
)
"""The columns of a product in the order of a staged row's content, which ends with its links."""


@dataclass
class Stage:
    """What a pass has stored so far.

    Attributes:
        pull: number of the pass.
        source: its name.
        contract: that the rows have to keep.
        rewrites: of addresses.
        folders: that pictures may be in, beside the web.
        mark: end of the digest, by which other rewrites make every row count as changed.
        known: whether the source has products from earlier passes.
        rows: taken so far, repeated ones included.
        rejected: in quarantine so far.
        kept: rows of the table quarantine so far.
        reasons: of the quarantine.
        notes: of how it was read.
        announced: rows that the source says it has.
        hosts: of the main pictures of the rows.
    """

    pull: int
    source: str
    contract: Contract
    rewrites: Sequence[Rewrite]
    folders: Sequence[str]
    mark: str
    known: bool
    rows: int = 0
    rejected: int = 0
    kept: int = 0
    reasons: Reasons = field(default_factory=Reasons)
    notes: list[str] = field(default_factory=list)
    announced: int | None = None
    hosts: MainHosts = field(default_factory=MainHosts)

    def add(self, connection: Connection, page: Page) -> None:
        """Stores a page and the place where the pass goes on, in the caller's transaction."""
        taken, rejects = self._sorted(page)
        warnings = self._store(connection, taken)
        self._reject(connection, rejects, warnings)
        self.rows += len(page.rows) - (len(rejects) - len(page.rejects))
        self.rejected += len(rejects)
        self.notes += page.notes[: MAX_NOTES - len(self.notes)]
        self.announced = self.announced if page.total is None else page.total
        values = {
            "cursor": page.cursor,
            "state": page.state,
            "announced": self.announced,
            "rows": self.rows,
            "rejected": self.rejected,
            "reasons": self.reasons.written(),
            "hosts": self.hosts.written(),
            "notes": json.dumps(self.notes),
        }
        connection.execute(sa.update(pull).where(pull.c.id == self.pull).values(values))

    def _sorted(self, page: Page) -> tuple[dict[str, tuple[SourceRow, str, int]], list[Reject]]:
        """The rows to take by id, the last of an id with its place and their number; the rest."""
        taken: dict[str, tuple[SourceRow, str, int]] = {}
        rejects = list(page.rejects)
        places = page.places or [""] * len(page.rows)
        for row, place in zip(page.rows, places, strict=True):
            fault = _unstorable(row) or self.contract.breach(row)
            if fault is None:
                times = taken[row.id][2] + 1 if row.id in taken else 1
                taken[row.id] = (row, place, times)
            else:
                shown = json.dumps(vars(row), ensure_ascii=True)
                id_ = "" if _unstorable_text(row.id) else row.id
                rejects.append(Reject(place or f"id {row.id}", *fault, shown, id_))
        return taken, rejects

    def _store(
        self, connection: Connection, taken: dict[str, tuple[SourceRow, str, int]]
    ) -> list[Reject]:
        """Stores rows; gives the addresses that were left out of them."""
        before = self._digests(connection, list(taken))
        staged: list[dict[str, Any]] = []
        warnings: list[Reject] = []
        for id_, (row, place, times) in taken.items():
            digest = row.digest + self.mark
            changed = before.get(id_) != digest
            content = self._content(row, place, warnings) if changed else ""
            self.hosts.add(self._main_host(row), times)
            staged.append(
                {
                    "pull": self.pull,
                    "source_id": id_,
                    "digest": digest,
                    "content": content,
                    "times": times,
                }
            )
        if staged:
            key, columns = ("pull", "source_id"), ("digest", "content")
            insert = insert_or_update(connection, stage, key, columns, added=("times",))
            insert_rows(connection, stage, insert, staged)
        return warnings

    def _digests(self, connection: Connection, ids: list[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(ids) if self.known else 0, _IDS_AT_ONCE):
            some = ids[start : start + _IDS_AT_ONCE]
            rows = connection.execute(
                sa.select(product.c.source_id, product.c.digest).where(
                    product.c.source == self.source, product.c.source_id.in_(some)
                )
            )
            found.update(rows.tuples().all())
        return found

    def _main_host(self, row: SourceRow) -> str:
        for given in row.image_urls:
            with contextlib.suppress(ValueError):
                return address(given, self.rewrites, self.folders)[1]
        return ""

    def _content(self, row: SourceRow, place: str, warnings: list[Reject]) -> str:
        links: list[list[str]] = []
        for given in row.image_urls:
            try:
                link = list(address(given, self.rewrites, self.folders))
            except ValueError as error:
                warnings.append(Reject(place or f"id {row.id}", ADDRESS, str(error), given))
                continue
            if link not in links:
                links.append(link)
        values: list[Any] = [
            row.title,
            row.description,
            row.price,
            row.currency,
            _ENCODER.encode(row.categories) if row.categories else "",
            row.gtin,
            row.brand,
            row.mpn,
            row.part_of,
            row.position,
            _variants(row),
            links,
        ]
        return _ENCODER.encode(values)

    def _reject(
        self, connection: Connection, rejects: list[Reject], warnings: list[Reject]
    ) -> None:
        both = [*rejects, *warnings]
        self.reasons.add((r.reason, _cut(r.place, _MAX_PLACE), _cut(r.detail, 200)) for r in both)
        room = _MAX_QUARANTINE - self.kept
        rows = [_quarantined(self.pull, each) for each in both[:room]]
        if rows:
            connection.execute(sa.insert(quarantine), rows)
            self.kept += len(rows)
        # In quarantine a product is not gone: it stays as it was.
        seen = [each.id for each in rejects if each.id and not _unstorable_text(each.id)]
        marks = [
            {"pull": self.pull, "source_id": id_, "times": 0} for id_ in seen if len(id_) <= MAX_ID
        ]
        if marks:
            connection.execute(insert_or_keep(connection, stage, ("pull", "source_id")), marks)


def _quarantined(number: int, reject: Reject) -> dict[str, Any]:
    return {
        "pull": number,
        "place": _cut(reject.place, _MAX_PLACE),
        "reason": _cut(reject.reason, 100),
        "detail": _cut(reject.detail, _MAX_DETAIL),
        "content": _cut(reject.content, _MAX_CONTENT),
    }


def _cut(text: str, most: int) -> str:
    """The beginning of a text, as a database can store it."""
    short = text if len(text) <= most else f"{text[: most - 1]}…"
    return short.encode("utf-8", "replace").decode().replace("\0", "�")


def _unstorable(row: SourceRow) -> tuple[str, str] | None:
    texts = (row.id, row.title, row.description, row.currency, row.gtin, row.brand, row.mpn)
    joined = "".join((*texts, row.part_of, *row.categories, *row.image_urls))
    if _unstorable_text(joined):
        return "text", "a text holds a character that no database stores"
    return None


def _unstorable_text(text: str) -> bool:
    if text.isascii():
        return "\0" in text
    try:
        return b"\0" in text.encode()
    except UnicodeEncodeError:
        return True


def _variants(row: SourceRow) -> int:
    """As in the splits; 0 where it takes the picture, which is not there yet."""
    if not row.title.strip() and row.image_urls:
        return 0
    return group_id(group_key(row.title, b"", row.description))
