"""Products in files: CSV, TSV, Excel, Parquet, JSON Lines and JSON lists."""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BeforeValidator, Field

from shelfsort.catalog.rows import Page, Reject, Source, SourceRow, StaleCursorError
from shelfsort.catalog.sources.base import SourceSettings
from shelfsort.catalog.tables.cells import CellReader, CellSettings
from shelfsort.catalog.tables.columns import columns_of
from shelfsort.catalog.tables.encodings import encoding_of
from shelfsort.catalog.tables.files import Listing, list_sources, shown
from shelfsort.core.errors import InputError
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.tables.forms import Form, form_of, rows_of
from shelfsort.products.tables.rows import Dialect, Reading, Row

_PAGE_ROWS = 5_000
_PAGE_CHARS = 16_000_000
_ROWS_LOOKED_AT = 1_000


def _listed(places: Any) -> Any:
    return [places] if isinstance(places, str) else places


class TablesSettings(SourceSettings, CellSettings):
    """Products in files.

    Attributes:
        files: Files, folders or patterns; of rows with one id the last one counts, in the order of
            the places here and of the names of the files.
        encoding: Of CSV files; "" where it is found out for each file.
        delimiter: Between cells of CSV files; "" where it is found out for each file.
        quote: Mark around cells of CSV files; "" for none.
        escape: Mark before a quotation mark in a cell; "" where it is doubled.
        sheet: Of Excel files; "" for the first.
    """

    type: Literal["tables"] = "tables"
    files: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        BeforeValidator(_listed),
        Field(min_length=1),
    ]
    encoding: str = ""
    delimiter: Annotated[str, Field(max_length=1)] = ""
    quote: Annotated[str, Field(max_length=1)] = '"'
    escape: Annotated[str, Field(max_length=1)] = ""
    sheet: str = ""

    @pydantic.field_validator("delimiter", mode="before")
    @classmethod
    def _tab(cls, given: Any) -> Any:
        return "\t" if given in ("tab", "\\t") else given

    def open(self) -> Source:
        return _Tables(self)


class _Tables:
    lists_all = True

    def __init__(self, settings: TablesSettings):
        self._settings = settings

    def pages(self, cursor: str, state: str) -> Iterator[Page]:
        """Pages of about 5,000 rows. The cursor holds the file and the rows of it that are read."""
        listing = list_sources(self._settings.folder, self._settings.files)
        if not cursor and state == listing.digest:
            yield Page((), unchanged=True)
            return
        at = _Cursor.read(cursor) if cursor else _Cursor(listing.digest)
        if at.listing != listing.digest:
            raise StaleCursorError
        for number in range(at.file, len(listing.files)):
            for page in self._file_pages(listing.files[number], at.rows):
                at = _Cursor(listing.digest, number, at.rows + len(page.rows) + len(page.rejects))
                yield _with(page, cursor=at.written())
            at = _Cursor(listing.digest, number + 1)
        yield Page((), state=self._state(listing))

    def _state(self, listing: Listing) -> str:
        """The files as they were read; "" where they have changed meanwhile."""
        now = list_sources(self._settings.folder, self._settings.files)
        return listing.digest if now == listing else ""

    def _file_pages(self, file: str, skipped: int) -> Iterator[Page]:
        name = shown(file, self._settings.folder)
        form = form_of(file)
        if form is Form.MANIFEST:
            form = Form.JSON_LINES
        notes: list[str] = []
        encoding = self._settings.encoding
        if form is Form.CSV and not encoding:
            found = encoding_of(file)
            encoding = found.name
            if found.why and not skipped:
                notes.append(f"{name}: read as {found.name} ({found.why})")
        rows = rows_of(file, form, self._how(encoding))
        looked_at = _ROWS_LOOKED_AT if form in (Form.JSON_LINES, Form.JSON_ARRAY) else 1
        first, names = _first(rows, looked_at)
        if not names:
            if not first:
                yield Page((), notes=(f"{name}: a header without rows",))
                return
            raise InputError(f"{file}: no row can be read. Correct or remove the file.")
        reader = CellReader(self._settings, columns_of(file, names, self._settings.columns))
        left = itertools.islice(itertools.chain(first, rows), skipped, None)
        yield from _pages(left, reader, name, notes)

    def _how(self, encoding: str) -> Reading:
        given = self._settings
        dialect = Dialect(given.delimiter, given.quote, given.escape, tolerant=True)
        return Reading(encoding=encoding or "utf-8", sheet=given.sheet, dialect=dialect)


@dataclass(frozen=True)
class _Cursor:
    """Where reading goes on: in which files, at which of them, after how many of its rows."""

    listing: str
    file: int = 0
    rows: int = 0

    @classmethod
    def read(cls, text: str) -> "_Cursor":
        return cls(*json.loads(text))

    def written(self) -> str:
        return json.dumps([self.listing, self.file, self.rows])


def _first(rows: Iterator[Row | Line], most: int) -> tuple[list[Row | Line], list[str]]:
    """The rows up to `most` that can be read, and the names of their columns."""
    first: list[Row | Line] = []
    names: dict[str, None] = {}
    for row in itertools.islice(rows, _ROWS_LOOKED_AT):
        first.append(row)
        if isinstance(row, Row) and row.cells:
            names.update(dict.fromkeys(row.cells))
            most -= 1
            if not most:
                break
    return first, list(names)


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


def _pages(
    rows: Iterator[Row | Line], reader: CellReader, name: str, notes: list[str]
) -> Iterator[Page]:
    gathered = _Gathered()
    for row in rows:
        place = f"{name}:{row.number}"
        if isinstance(row, Row):
            gathered.add(reader.row(row.cells, place, row.fault), place)
        else:
            gathered.add(_rejected(row, place), place)
        if gathered.is_full:
            yield gathered.page(notes)
            gathered, notes = _Gathered(), []
    if gathered.rows or gathered.rejects or notes:
        yield gathered.page(notes)


def _rejected(line: Line, place: str) -> Reject:
    fault = read_record(line).fault
    reason, detail = ("malformed_row", line.fault) if fault is None else (fault.reason, str(fault))
    return Reject(place, reason, detail, line.content[:2_000].decode("utf-8", "replace"))


def _with(page: Page, cursor: str) -> Page:
    return Page(page.rows, page.rejects, cursor, places=page.places, notes=page.notes)
