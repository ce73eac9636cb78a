"""How a service gives its products in pages, and what a page says about the next one."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

import pydantic
from pydantic import Field

from shelfsort.catalog.services.client import Reply
from shelfsort.catalog.services.paths import JsonPath, values_at

_Name = Annotated[str, Field(max_length=200)]
_MAX_MARK = 8_000
# Pages in a row without a new product: the same page, or others, as where many were added.
_MOST_SAME, _MOST_STALE = 3, 100
_PAST_END = frozenset({404, 410, 416})
_PAST_TOTAL = _PAST_END | {400, 422}


def past_end(first: bool, total: int | None, reached: bool) -> frozenset[int]:
    """Statuses by which a service may say that a page lies behind the last one.

    Args:
        first: whether it is the first page.
        total: that was announced, None for none: then nothing would tell the end from a failure.
        reached: whether all that was announced lies before the page.
    """
    if first or total is None:
        return frozenset()
    return _PAST_TOTAL if reached else _PAST_END


class Paging(pydantic.BaseModel):
    """How pages follow each other.

    Attributes:
        kind: `cursor` (an answer holds a text that the next request sends), `next` (an answer holds
            the address of the next page), `link` (the header `Link` does), `offset`, `page` (a
            number), or `single` (one answer is all).
        size: Rows of a full page.
        size_parameter: Parameter that asks for `size` rows.
        parameter: Parameter of the cursor, the offset or the number of the page.
        next: Path of the cursor, or of the address of the next page.
        more: Path of a value that is true while there is another page.
        total: Path of the number of products that the service announces.
        first: Number of the first page.
        most: Rows that the service gives of a query; a query with more is split.
        overlap: Rows of the page before that each page is asked for again, so that rows which moved
            are noticed; for `offset`.
        rounds: Most passes over a query whose pages change while they are read; for `offset` and
            `page`.
        most_missing: Share of the announced products that may be missing in the end.
        most_pages: Pages of one query after which it is given up.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    kind: Literal["cursor", "next", "link", "offset", "page", "single"]
    size: Annotated[int, Field(ge=1, le=100_000)] = 100
    size_parameter: _Name = ""
    parameter: _Name = ""
    next: JsonPath = ""
    more: JsonPath = ""
    total: JsonPath = ""
    first: Annotated[int, Field(ge=0, le=1)] = 1
    most: Annotated[int, Field(ge=1)] | None = None
    overlap: Annotated[int, Field(ge=0, le=1_000)] = 5
    rounds: Annotated[int, Field(ge=1, le=20)] = 3
    most_missing: Annotated[float, Field(ge=0, le=1)] = 0.01
    most_pages: Annotated[int, Field(ge=1)] = 100_000

    @pydantic.model_validator(mode="after")
    def _whole(self) -> "Paging":
        if self.kind in ("cursor", "offset", "page") and not self.parameter:
            raise ValueError(f"{self.kind}: name its parameter")
        if self.kind in ("cursor", "next") and not self.next:
            raise ValueError(f"{self.kind}: name the path next")
        if self.most is not None and self.kind != "offset" and not self.total:
            raise ValueError("most: name the path total, which tells when a query has more")
        if self.kind == "offset" and self.overlap >= self.size:
            raise ValueError("overlap has to be smaller than size")
        return self

    @property
    def can_repeat(self) -> bool:
        """Whether a second pass over a query may find what moved during the first."""
        return self.kind in ("offset", "page")


class PagingError(Exception):
    """The pages do not follow each other as the settings say. The message ends with the remedy."""


class TooManyRowsError(Exception):
    """The service does not give all rows of the query."""

    def __init__(self, total: int | None):
        """`total` is the number of rows that it announces."""
        super().__init__(total)
        self.total = total


@dataclass(frozen=True)
class Answered:
    """A page as it came.

    Attributes:
        url: that was asked, without the key.
        reply: of the service.
        items: products.
        ids: what tells each product from others.
        total: that it announces, None for none.
    """

    url: str
    reply: Reply
    items: Sequence[Any]
    ids: Sequence[str]
    total: int | None


@dataclass(frozen=True)
class Batch:
    """A page that was taken.

    Attributes:
        items: products of it.
        ids: of the products.
        mark: where the query goes on, "" at its end.
        total: that the page announces, None for none.
        sound: False if products may have been skipped before this page.
        where: the place of the page, for people.
        repeated: products of the page that came before, and are left out here.
    """

    items: Sequence[Any]
    ids: Sequence[str]
    mark: str
    total: int | None
    sound: bool
    where: str
    repeated: int = 0


Ask = Callable[[str, frozenset[int]], Answered | None]
"""Asks for an address; None for one of the statuses, which mean that there is nothing there."""


class Walk:
    """One way through the pages of one query."""

    def __init__(self, paging: Paging, ask: Ask, seen: set[str], follow: Callable[[str, str], str]):
        """Prepares the walk.

        Args:
            paging: how pages follow each other.
            ask: for a page.
            seen: ids of this round, which the caller adds to after each batch.
            follow: checks an address that a page at another address gave.
        """
        self.paging = paging
        self.ask = ask
        self.seen = seen
        self._follow = follow
        self._stale = self._same = self._pages = 0
        self._last: Sequence[str] = ()

    def batches(self, url: str, mark: str, total: int | None) -> Iterator[Batch]:
        """The pages from a mark on.

        Args:
            url: of the query, without paging.
            mark: as a batch gave it, "" for the first page.
            total: that was announced before the mark.

        Raises:
            PagingError: the pages lead in a circle.
            TooManyRowsError: the service does not reach the end of the query.
        """
        marks: set[bytes] = set()
        while True:
            reached = total is not None and self._reached(mark, total)
            ending = past_end(not mark or self.paging.kind != "page", total, reached)
            answered = self.ask(self._address(url, mark), ending)
            if answered is None:
                yield Batch((), (), "", total, True, self._where(mark))
                return
            self.count(answered)
            total = answered.total if answered.total is not None else total
            self.refuse_too_many(mark, total)
            following = self._following(mark, answered)
            if following == mark and not answered.items:
                following = ""
            if following:
                digest = hashlib.blake2b(following.encode(), digest_size=16).digest()
                if digest in marks or following == mark:
                    raise PagingError(
                        f"{self._where(mark)} names itself or an earlier page as the next one. "
                        f"Check paging.{'next' if self.paging.next else 'kind'}."
                    )
                marks.add(digest)
            where = self._where(mark)
            yield Batch(answered.items, answered.ids, following, answered.total, True, where)
            if not following:
                return
            mark = following

    def count(self, answered: Answered) -> None:
        """Counts a page. Raises PagingError when too many in a row hold nothing new."""
        self._pages += 1
        if self._pages > self.paging.most_pages:
            raise PagingError(
                f"there are more than {self.paging.most_pages:,} pages. Raise paging.most_pages "
                "if that is right."
            )
        new = any(id_ not in self.seen for id_ in answered.ids)
        stale = bool(answered.ids) and not new
        self._stale = self._stale + 1 if stale else 0
        self._same = self._same + 1 if stale and answered.ids == self._last else 0
        self._last = answered.ids
        if self._same >= _MOST_SAME or self._stale >= _MOST_STALE:
            raise PagingError(
                f"{self._stale} pages in a row repeat products of earlier pages. The service seems "
                f"to ignore the paging ({self.paging.parameter or self.paging.kind}): check it."
            )

    def refuse_too_many(self, mark: str, total: int | None) -> None:
        """Raises TooManyRowsError at the first page of a query that is not given whole."""
        most = self.paging.most
        if not mark and total is not None and most is not None and total > most:
            raise TooManyRowsError(total)

    def has_more(self, answered: Answered) -> bool | None:
        """What the page says about another one; None where it says nothing."""
        if not self.paging.more:
            return None
        found = values_at(answered.reply.value, self.paging.more)
        return bool(found) and found[0] not in (False, None, 0, "", "false")

    def _address(self, url: str, mark: str) -> str:
        if self.paging.kind in ("next", "link") and mark:
            return mark
        sizes = [(self.paging.size_parameter, str(self.paging.size))]
        here = [(self.paging.parameter, mark)] if mark else []
        if self.paging.kind == "page" and not mark:
            here = [(self.paging.parameter, str(self.paging.first))]
        pairs = [*here, *(pair for pair in sizes if pair[0])]
        return with_parameters(url, pairs, replacing=True)

    def _reached(self, mark: str, total: int) -> bool:
        """Whether all that was announced comes before a mark."""
        if self.paging.kind != "page" or not mark:
            return False
        return (int(mark) - self.paging.first) * self.paging.size >= total

    def _following(self, mark: str, answered: Answered) -> str:
        more = self.has_more(answered)
        if more is False or self.paging.kind == "single":
            return ""
        following = self._named(mark, answered)
        if more and not following:
            raise PagingError(
                f"{self._where(mark)} says that there is another page, and names none. "
                "Check paging.next."
            )
        return following

    def _named(self, mark: str, answered: Answered) -> str:
        if self.paging.kind == "page":
            page, size = int(mark or self.paging.first), len(answered.items)
            done = (page - self.paging.first) * self.paging.size + size
            ends = size == 0 or (size < self.paging.size and done == answered.total)
            return "" if ends else str(page + 1)
        if self.paging.kind == "link":
            named: Any = answered.reply.links.get("next", "")
        else:
            named = next(iter(values_at(answered.reply.value, self.paging.next)), None)
        if named is None or named == "" or named is False:
            return ""
        if isinstance(named, bool) or not isinstance(named, (str, int)):
            raise PagingError(f"{self.paging.next} leads to no text. Check paging.next.")
        text = str(named).encode("utf-8", "replace").decode()
        if len(text) > _MAX_MARK:
            raise PagingError(f"{self._where(mark)} names a next page too long to ask for.")
        return text if self.paging.kind == "cursor" else self._follow(text, answered.url)

    def _where(self, mark: str) -> str:
        return f"page {mark[:80]}" if mark else "the first page"


def with_parameters(url: str, pairs: Iterable[tuple[str, str]], *, replacing: bool = False) -> str:
    """An address with more parameters; those of the same name stay, or are replaced."""
    added = list(pairs)
    names = {name for name, _ in added} if replacing else set()
    parts = urlsplit(url)
    kept = [p for p in parse_qsl(parts.query, keep_blank_values=True) if p[0] not in names]
    return parts._replace(query=urlencode([*kept, *added])).geturl()
