"""The one form in which every source gives its products."""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

MAX_ID = 500
MAX_TITLE = 10_000
MAX_DESCRIPTION = 200_000
# PostgreSQL's indexes take values of 2,704 bytes.
MAX_URL = 2_500
MAX_IMAGES = 100
MAX_CATEGORIES = 100
MAX_POSITION = 2**31 - 1

_ENCODER = json.JSONEncoder(sort_keys=True)


@dataclass(frozen=True)
class SourceRow:
    """A product as its source gives it.

    Attributes:
        id: of the product at its source, never empty.
        title: "" where there is none, as are the other texts.
        description: may be HTML.
        price: None where it is not known.
        currency: ISO 4217 code such as "EUR".
        image_urls: addresses of its pictures, the main one first.
        categories: how the source sorts it: names, paths or ids, the most telling first.
        gtin: global trade item number.
        brand: name of the maker.
        mpn: the maker's own number of the product.
        part_of: what the product was listed in, such as a post.
        position: its place in there, from 1; 0 where it is not known.
    """

    id: str
    title: str = ""
    description: str = ""
    price: float | None = None
    currency: str = ""
    image_urls: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    gtin: str = ""
    brand: str = ""
    mpn: str = ""
    part_of: str = ""
    position: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError where a value is missing or too large; the message says which."""
        if not self.id:
            raise ValueError("no id")
        for name, most in (("id", MAX_ID), ("title", MAX_TITLE), ("description", MAX_DESCRIPTION)):
            if len(getattr(self, name)) > most:
                raise ValueError(f"{name} of more than {most:,} characters")
        if len(self.image_urls) > MAX_IMAGES or len(self.categories) > MAX_CATEGORIES:
            raise ValueError(f"more than {MAX_IMAGES} images or {MAX_CATEGORIES} categories")
        if self.price is not None and not math.isfinite(self.price):
            raise ValueError(f"the price {self.price} is no number")
        if not 0 <= self.position <= MAX_POSITION:
            raise ValueError(f"position {self.position} is not from 0 to {MAX_POSITION:,}")

    @property
    def digest(self) -> str:
        """32 hex digits that change with any value."""
        content = _ENCODER.encode(vars(self))
        return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


ROW_FIELDS = tuple(field.name for field in fields(SourceRow))


@dataclass(frozen=True)
class Reject:
    """A row that is not taken, and is kept in quarantine.

    Attributes:
        place: where it stands: `file:line`, or the id or page of a service.
        reason: a code such as `no_id`, for counting.
        detail: what is wrong, for people.
        content: the row as it came; the database keeps its beginning.
        id: of its product, where that can be read: the product stays as it was, and is not gone.
    """

    place: str
    reason: str
    detail: str = ""
    content: str = ""
    id: str = ""


@dataclass(frozen=True)
class Page:
    """A part of what a source holds, stored as a whole or not at all.

    Attributes:
        rows: products.
        rejects: rows that could not be read.
        cursor: where the source goes on after this page, "" at the end.
        total: number of rows that the source announces, None where it does not.
        places: where each row stands, as in `Reject.place`; empty where nothing tells.
        state: on the last page, what the next pass should know, such as an ETag.
        unchanged: on the only page, that nothing changed since the last whole pass.
        notes: what people should know about how it was read, such as the encoding of a file.
    """

    rows: Sequence[SourceRow]
    rejects: Sequence[Reject] = ()
    cursor: str = ""
    total: int | None = None
    places: Sequence[str] = ()
    state: str = ""
    unchanged: bool = False
    notes: Sequence[str] = ()


class StaleCursorError(Exception):
    """A source cannot go on at a cursor, since what it counts has changed; it is read again."""


class Source(Protocol):
    """Where products come from.

    Attributes:
        lists_all: whether a full pass names every product, so that what is missing was deleted.
            It is read after the last page: a source may learn on the way that it missed some.
    """

    lists_all: bool

    def pages(self, cursor: str, state: str) -> Iterator[Page]:
        """The pages from a cursor on.

        A product that several categories list may come again; the last row of a pass counts. A
        source that does not know the cursor any more begins again by itself, or raises.

        Args:
            cursor: as a page gave it; "" for the beginning.
            state: as the last page of the last whole pass gave it, "" before the first.

        Raises:
            InputError: the source cannot be read; the pages given before stay stored.
            StaleCursorError: it has to be read from the beginning.
        """
