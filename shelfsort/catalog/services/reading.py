"""Reads everything that a paged service holds, and checks that it is everything."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from shelfsort.catalog.rows import Page, Reject, SourceRow
from shelfsort.catalog.services.client import Reply, Service
from shelfsort.catalog.services.mapping import Mapper
from shelfsort.catalog.services.offsets import OffsetWalk
from shelfsort.catalog.services.paging import (
    Answered,
    Batch,
    Paging,
    PagingError,
    TooManyRowsError,
    Walk,
    with_parameters,
)
from shelfsort.catalog.services.paths import values_at
from shelfsort.catalog.services.progress import Progress, Split
from shelfsort.catalog.services.queries import Plan, Query, shown
from shelfsort.core.errors import InputError

_UNCHANGED = frozenset({304})
_MAX_ETAG = 500


@dataclass(frozen=True)
class Reading:
    """What is read, and how.

    Attributes:
        name: of the source, which begins messages.
        address: of the service, with the parameters of every query.
        rows: path of the products in an answer.
        paging: how pages follow each other.
        plan: the queries.
        paged: whether an earlier pass has seen an answer that names a next page.
        etag: of the last whole pass, "" to read everything.
    """

    name: str
    address: str
    rows: str
    paging: Paging
    plan: Plan
    paged: bool = False
    etag: str = ""


class Unchanged(Exception):  # noqa: N818 - an answer, not a fault
    """The service says that nothing has changed."""


class Reader:
    """One pass over a service."""

    def __init__(self, reading: Reading, service: Service, mapper: Mapper, progress: Progress):
        """`progress` says where to begin, and is kept up to date."""
        self._reading = reading
        self._service = service
        self._mapper = mapper
        self.progress = progress
        self.notes: list[str] = []
        self._asked = False

    @property
    def first_query(self) -> Query:
        """Where a pass begins."""
        return self._reading.plan.whole[0]

    @property
    def knows_query(self) -> bool:
        """Whether the progress is in a query of the plan."""
        try:
            self._reading.plan.after(self.progress.query)
        except LookupError:
            return False
        return True

    def pages(self) -> Iterator[Page]:
        """The pages from the progress on, each with the cursor that leads on; the end has no page.

        Raises:
            InputError: the service refuses, its pages lead in a circle, or products are missing.
            Unchanged: nothing has changed since the last whole pass.
        """
        plan, progress = self._reading.plan, self.progress
        while True:
            given: set[str] = set()
            while True:
                if not progress.ended:
                    yield from self._round(given)
                if self._is_settled():
                    break
                progress.again()
            self._judge()
            following, ended = plan.after(progress.query)
            self._close(ended)
            if following is None:
                return
            progress.turn_to(following)

    def _round(self, given: set[str]) -> Iterator[Page]:
        """One pass over the query, or over its parts if it has too many rows."""
        while True:
            query = self.progress.query
            try:
                yield from self._query(query, given)
                return
            except PagingError as error:
                raise self._error(query, str(error)) from error
            except TooManyRowsError as error:
                self._divide(query, error.total)

    def _query(self, query: Query, given: set[str]) -> Iterator[Page]:
        seen: set[str] = set()
        kind = OffsetWalk if self._reading.paging.kind == "offset" else Walk
        walk = kind(self._reading.paging, self._ask, seen, self._service.same_origin)
        url = with_parameters(self._reading.address, query)
        for batch in walk.batches(url, self.progress.mark, self.progress.total):
            yield self._taken(query, batch, seen, given)

    def _taken(self, query: Query, batch: Batch, seen: set[str], given: set[str]) -> Page:
        """The rows of a batch, once its numbers are in the progress."""
        progress = self.progress
        rows: list[SourceRow] = []
        rejects: list[Reject] = []
        categories = self._reading.plan.categories(query)
        for number, (item, id_) in enumerate(zip(batch.items, batch.ids, strict=True), 1):
            if id_ in seen:
                progress.repeated += 1
                continue
            seen.add(id_)
            progress.got += 1
            if id_ in given:
                continue
            given.add(id_)
            progress.fresh += 1
            place = f"{_said(query)}{batch.where}, row {number}"
            row = self._mapper.row(item, place, categories)
            (rows if isinstance(row, SourceRow) else rejects).append(row)  # type: ignore[arg-type]
        progress.repeated += batch.repeated
        if batch.total is not None:
            progress.moved |= progress.total not in (None, batch.total)
            progress.total = batch.total
        progress.sound &= batch.sound
        progress.paged |= bool(batch.mark)
        progress.mark, progress.ended = batch.mark, not batch.mark
        self._check_first_page(query, batch)
        notes, self.notes = self.notes, []
        total = progress.total if len(self._reading.plan.whole) == 1 and not query else None
        return Page(rows, rejects, cursor=progress.written(), total=total, notes=notes)

    def _check_first_page(self, query: Query, batch: Batch) -> None:
        """Refuses to take one full page for everything, only because it names no next one."""
        paging, progress = self._reading.paging, self.progress
        named = paging.kind in ("cursor", "next", "link")
        sure = progress.paged or self._reading.paged or paging.more or progress.total is not None
        if named and progress.ended and not sure and len(batch.items) >= paging.size:
            where = "the header Link" if paging.kind == "link" else f"{paging.next} (paging.next)"
            raise self._error(
                query,
                f"the first page is full, with {len(batch.items):,} rows, and {where} names no "
                "next page. Correct it, or name paging.more or paging.total, which tell that "
                "there is none.",
            )

    def _is_settled(self) -> bool:
        """Whether another round over the query would bring nothing."""
        paging, progress = self._reading.paging, self.progress
        if self._is_clean() or not paging.can_repeat or progress.round >= paging.rounds:
            return True
        return progress.round > 1 and not progress.fresh

    def _is_clean(self) -> bool:
        """Whether nothing says that a product was skipped in this round."""
        paging, progress = self._reading.paging, self.progress
        # With an offset, a walk that never lost its place has skipped nothing.
        shifted = paging.kind == "page" and (progress.moved or progress.repeated > 0)
        return progress.sound and not self._is_short() and not shifted

    def _is_short(self) -> bool:
        return self.progress.total is not None and self.progress.got < self.progress.total

    def _judge(self) -> None:
        """Compares what was announced with what came."""
        paging, progress, query = self._reading.paging, self.progress, self.progress.query
        before, total, got = _said(query), progress.total, progress.got
        rounds = f" in {progress.round} rounds" if progress.round > 1 else ""
        if total is not None and got < total * (1 - paging.most_missing):
            raise self._error(
                query,
                f"the service announces {total:,} products and gave {got:,}{rounds}. Check the "
                "paging; if its total is wrong, leave out paging.total or raise "
                "paging.most_missing.",
            )
        if progress.repeated:
            self.notes.append(
                f"{before}{progress.repeated:,} products came again and were left out"
            )
        if total is not None and got != total:
            self.notes.append(f"{before}{total:,} products announced, {got:,} given{rounds}")
        stable = progress.round > 1 and not progress.fresh and not self._is_short()
        if not self._is_clean() and not stable:
            progress.missed = True
            self.notes.append(f"{before}products may be missing, so none counts as gone")
        if progress.splits:
            progress.splits[-1].got += got

    def _divide(self, query: Query, total: int | None) -> None:
        """Goes on with the first part of a query that has too many rows."""
        paging, progress = self._reading.paging, self.progress
        deeper = self._reading.plan.deeper(query)
        if deeper is None:
            many = "more" if total is None else f"{total:,}"
            raise self._error(
                query,
                f"the service gives at most {paging.most:,} products (paging.most) of {many}. Add "
                "a parameter to split.",
            )
        progress.splits.append(Split(total))
        progress.turn_to(deeper)

    def _close(self, ended: int) -> None:
        """Compares divided queries that have ended with what was announced for them."""
        progress, query = self.progress, self.progress.query
        for _ in range(ended):
            split = progress.splits.pop()
            parameter, query = query[-1][0], query[:-1]
            total, got = split.total, split.got
            if total is not None and got < total * (1 - self._reading.paging.most_missing):
                raise self._error(
                    query,
                    f"the values of {parameter} (split) lead to {got:,} of {total:,} products. Add "
                    "the values that are missing.",
                )
            if total is not None and got < total:
                progress.missed = True
                values = f"the values of {parameter} (split)"
                self.notes.append(f"{_said(query)}{values} lead to {got:,} of {total:,} products")
            if progress.splits:
                progress.splits[-1].got += got

    def _ask(self, url: str, expected: frozenset[int]) -> Answered | None:
        etag = "" if self._asked else self._reading.etag
        reply = self._service.ask(
            url,
            headers={"If-None-Match": etag} if etag else {},
            expected=expected | _UNCHANGED if etag else expected,
        )
        self._remember(reply)
        if etag and reply.status == 304:
            raise Unchanged
        if reply.status in expected:
            return None
        total = self._total(reply.value)
        items = self._items(reply.value, total)
        ids = [self._mapper.id_of(item) or _digest(item) for item in items]
        return Answered(url, reply, items, ids, total)

    def _remember(self, reply: Reply) -> None:
        """What the first answer of a pass says about the pass."""
        self._asked = True
        if not self.progress.began:
            self.progress.began = _moment(reply.headers)
            etag = reply.headers.get("ETag", "")
            self.progress.etag = etag if len(etag) <= _MAX_ETAG and etag.isprintable() else ""

    def _items(self, value: Any, total: int | None) -> list[Any]:
        path = self._reading.rows
        listed = values_at(value, path.removesuffix("[*]"))
        # Services leave out an empty list, or write null.
        if listed == [None] or (not listed and total == 0):
            return []
        if not any(isinstance(each, (list, dict)) for each in listed):
            begins = self._service.key.hidden(json.dumps(value)[:100])
            where = path or "its top"
            raise self._error(
                (),
                f"the answer has no list at {where} (rows); it begins with {begins}. Correct rows.",
            )
        return rows_at(value, path)

    def _total(self, value: Any) -> int | None:
        if not self._reading.paging.total:
            return None
        found = values_at(value, self._reading.paging.total)
        try:
            total = int(found[0]) if found and not isinstance(found[0], bool) else -1
        except (TypeError, ValueError, OverflowError):
            total = -1
        if total < 0:
            path = self._reading.paging.total
            raise self._error(
                (),
                f"{path} (paging.total) leads to no number. Correct it, or leave it out.",
            )
        return total

    def _error(self, query: Query, what: str) -> InputError:
        return InputError(self._service.key.hidden(f"{self._reading.name}: {_said(query)}{what}"))


def rows_at(value: Any, path: str) -> list[Any]:
    """The products at a path: entries of a list or of an object by id, one object if it is one."""
    return [
        row
        for found in values_at(value, path)
        for row in (found if isinstance(found, list) else [found])
        if row is not None
    ]


def _moment(headers: Mapping[str, str]) -> str:
    """The present by the clock of the service, or by ours, in ISO 8601."""
    try:
        moment = parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        moment = datetime.now(timezone.utc)
    return moment.astimezone(timezone.utc).isoformat()


def _digest(item: Any) -> str:
    """Stands for the id of a product that has none."""
    return "#" + hashlib.blake2b(json.dumps(item).encode(), digest_size=12).hexdigest()


def _said(query: Query) -> str:
    return f"{shown(query)}: " if query else ""
