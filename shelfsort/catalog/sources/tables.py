"""Products in files: CSV, TSV, Excel, Parquet, JSON Lines and JSON lists."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BeforeValidator, Field

from shelfsort.catalog.rows import Page, Reject, Source, SourceRow
from shelfsort.catalog.sources.base import SourceSettings
from shelfsort.catalog.tables.cells import CellReader, CellSettings
from shelfsort.catalog.tables.columns import columns_of
from shelfsort.catalog.tables.encodings import encoding_of
from shelfsort.catalog.tables.files import FilesSource, shown
from shelfsort.catalog.tables.pages import gathered
from shelfsort.core.errors import InputError
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.tables.forms import Form, form_of, rows_of
from shelfsort.products.tables.rows import Dialect, Reading, Row

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
        return FilesSource(self.folder, self.files, _Tables(self).pages)


class _Tables:
    def __init__(self, settings: TablesSettings):
        self._settings = settings

    def pages(self, file: str, skipped: int) -> Iterator[Page]:
        """Pages of one file, without its first rows."""
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
        short = _Short(name)
        left = itertools.islice(short.counted(itertools.chain(first, rows)), skipped, None)
        yield from gathered(_read(left, reader, name), notes)
        if short.number:
            yield Page((), notes=(short.said(),))

    def _how(self, encoding: str) -> Reading:
        given = self._settings
        dialect = Dialect(given.delimiter, given.quote, given.escape, tolerant=True)
        return Reading(encoding=encoding or "utf-8", sheet=given.sheet, dialect=dialect)


class _Short:
    """Counts the rows that lack cells at their end."""

    def __init__(self, name: str):
        self._name = name
        self._first = 0
        self.number = 0

    def counted(self, rows: Iterable[Row | Line]) -> Iterator[Row | Line]:
        for row in rows:
            if isinstance(row, Row) and row.lacking and not row.fault:
                self._first = self._first or row.number
                self.number += 1
            yield row

    def said(self) -> str:
        return (
            f"{self._name}: {self.number:,} rows have fewer cells than the header, "
            f"first in line {self._first}; the missing ones count as empty"
        )


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


def _read(
    rows: Iterator[Row | Line], reader: CellReader, name: str
) -> Iterator[tuple[SourceRow | Reject, str]]:
    for row in rows:
        place = f"{name}:{row.number}"
        if isinstance(row, Row) and _is_header(row):
            yield Reject(place, "malformed_row", "the header again"), place
        elif isinstance(row, Row):
            yield reader.row(row.cells, place, row.fault), place
        else:
            yield _rejected(row, place), place


def _is_header(row: Row) -> bool:
    # As where files were joined into one.
    return len(row.cells) > 1 and all(value == name for name, value in row.cells.items())


def _rejected(line: Line, place: str) -> Reject:
    fault = read_record(line).fault
    reason, detail = ("malformed_row", line.fault) if fault is None else (fault.reason, str(fault))
    return Reject(place, reason, detail, line.content[:2_000].decode("utf-8", "replace"))
