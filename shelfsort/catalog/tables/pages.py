"""Gathers the rows of a table into pages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shelfsort.catalog.rows import Page, Reject, SourceRow

_PAGE_ROWS = 5_000
_PAGE_CHARS = 16_000_000


def gathered(
    rows: Iterable[tuple[SourceRow | Reject, str]], notes: Sequence[str] = ()
) -> Iterator[Page]:
    """Pages without cursors, of up to 5,000 rows or 16 million characters.

    Args:
        rows: with their places.
        notes: of the first page.
    """
    page = _Gathered()
    for row, place in rows:
        page.add(row, place)
        if page.is_full:
            yield page.page(notes)
            page, notes = _Gathered(), ()
    if page.rows or page.rejects or notes:
        yield page.page(notes)


@dataclass
class _Gathered:
    rows: list[SourceRow] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    chars: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.rows) + len(self.rejects) >= _PAGE_ROWS or self.chars >= _PAGE_CHARS

    def add(self, row: SourceRow | Reject, place: str) -> None:
        if isinstance(row, Reject):
            self.rejects.append(row)
            self.chars += len(row.content)
            return
        self.rows.append(row)
        self.places.append(place)
        self.chars += len(row.title) + len(row.description) + sum(map(len, row.image_urls))

    def page(self, notes: Sequence[str]) -> Page:
        return Page(self.rows, self.rejects, places=self.places, notes=tuple(notes))
