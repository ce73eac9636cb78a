"""A source whose pages a test gives."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from shelfsort.catalog.rows import Page, SourceRow, StaleCursorError
from shelfsort.catalog.sources.base import SourceSettings


@dataclass
class GivenSource:
    """Gives pages, whose cursors are their numbers; an exception in their place is raised."""

    given: list[Page | Exception]
    lists_all: bool = True
    stale: frozenset[str] = frozenset()
    asked: list[tuple[str, str]] = field(default_factory=list)

    def pages(self, cursor: str, state: str) -> Iterator[Page]:
        self.asked.append((cursor, state))
        if cursor in self.stale:
            raise StaleCursorError
        for page in self.given[int(cursor or 0) :]:
            if isinstance(page, Exception):
                raise page
            yield page


def settings_of(source: GivenSource, **more: Any) -> SourceSettings:
    """Settings of a source `shop` that opens as this source."""

    class Settings(SourceSettings):
        def open(self) -> GivenSource:
            return source

    return Settings(**{"name": "shop", "folder": "", "type": "given", **more})


def source_of(*parts: list[SourceRow], state: str = "", **more: Any) -> GivenSource:
    """A source of a page for each of these lists of rows."""
    last = len(parts) - 1
    pages: list[Page | Exception] = [
        Page(rows, cursor="" if n == last else str(n + 1), state=state if n == last else "")
        for n, rows in enumerate(parts)
    ]
    return GivenSource(pages, **more)


def rows(*numbers: int, **more: Any) -> list[SourceRow]:
    """Products with these numbers as ids."""
    return [
        SourceRow(
            **{
                "id": f"p{n}",
                "title": f"Mug {n}",
                "price": float(n),
                "image_urls": (f"https://shop.test/{n}.jpg",),
                **more,
            }
        )
        for n in numbers
    ]
