"""Rows of CSV and TSV files, as spreadsheets and shops write them."""

import codecs
import csv
import io
from collections.abc import Iterator

from shelfsort.core.errors import InputError, NoRows
from shelfsort.core.storage import open_binary, read_bytes
from shelfsort.products.tables.columns import distinct_names
from shelfsort.products.tables.rows import Dialect, Row, reading

_DELIMITERS = ",;\t|"
_USUAL = Dialect()
_LONGEST_ROW = 16 * 2**20
_HEADER_BYTES = 2**16
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def delimited_rows(file: str, encoding: str, dialect: Dialect = _USUAL) -> Iterator[Row]:
    """The rows below the header; blank lines are skipped.

    A row is numbered by the line that it begins on. The first one has a cell for each column; cells
    that another lacks are missing.

    Raises:
        InputError: the file cannot be read or decoded, or has no header with distinct names.
    """
    text = _encoding(file, encoding)
    with reading(file, "Save it as CSV in UTF-8."), open_binary(file) as stream:
        wrapped = io.TextIOWrapper(stream, encoding=text, newline="")
        csv.field_size_limit(_LONGEST_ROW)
        lines = _Lines(file, wrapped)
        table = csv.reader(
            lines,
            delimiter=dialect.delimiter or _delimiter(file, text),
            quotechar=dialect.quote or None,
            quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
            escapechar=dialect.escape or None,
            doublequote=not dialect.escape,
            strict=True,
        )
        try:
            yield from _rows(file, table, lines, dialect.tolerant)
        except UnicodeDecodeError as error:
            line = _undecodable_line(file, text)
            raise InputError(
                f"{file}:{line}: not {text} ({error.reason}). Save it as UTF-8, or name its "
                "encoding with --set data.encoding=cp1252."
            ) from error
        except csv.Error as error:
            raise InputError(
                f"{file}:{table.line_num}: {error}. Close the quotation mark, or correct the line."
            ) from error


class _Lines:
    """The lines of a text, so many to a row that it can be held: the reader sets no bound.

    Attributes:
        cut_off: whether the last one has no end.
    """

    def __init__(self, file: str, text: io.TextIOWrapper):
        self._file, self._text = file, text
        self._number = 0
        self._left = _LONGEST_ROW
        self.cut_off = False

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(self._left + 1):
            self._number += 1
            self._left -= len(line)
            self.cut_off = not line.endswith(("\n", "\r"))
            if self._left < 0:
                most = f"{_LONGEST_ROW >> 20} MiB"
                raise InputError(
                    f"{self._file}:{self._number}: the row is longer than {most}. Close the "
                    "quotation mark, or shorten it."
                )
            yield line

    def next_row(self) -> None:
        """What comes now is another row."""
        self._left = _LONGEST_ROW


def _rows(
    file: str,
    table: "csv._reader",  # type: ignore[name-defined]
    lines: _Lines,
    tolerant: bool,
) -> Iterator[Row]:
    header: list[str] = []
    first, unseen = 1, True
    while True:
        try:
            cells = next(table, None)
        except csv.Error as error:
            if not tolerant:
                raise
            # The reader begins again at the next line.
            cells = []
            yield Row(first, {}, f"{error}")
        if cells is None:
            break
        lines.next_row()
        number, first = first, table.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if not header:
            header = distinct_names(file, number, cells, tolerant)
            continue
        fault = ""
        if len(cells) != len(header):
            beyond = [cell for cell in cells[len(header) :] if cell.strip()]
            fault = f"{len(cells)} cells under {len(header)} columns" if beyond else ""
            if tolerant and len(cells) < len(header) and lines.cut_off:
                fault = f"the file ends within the row: {len(cells)} cells of {len(header)}"
        lacking = max(0, len(header) - len(cells))
        if unseen:
            cells += [""] * lacking
        unseen = False
        yield Row(number, dict(zip(header, cells, strict=False)), fault, lacking)
    if not header:
        raise NoRows(f"{file}: the table is empty. Give one with a header and rows.")


def _encoding(file: str, configured: str) -> str:
    try:
        codecs.lookup(configured)
    except LookupError as error:
        raise InputError(
            f"--set data.encoding={configured}: no such encoding. Give one such as utf-8 or cp1252."
        ) from error
    with reading(file, "Give the path of a file."):
        start = read_bytes(file, 4)
    return next((name for bom, name in _BOMS.items() if start.startswith(bom)), configured)


def _undecodable_line(file: str, encoding: str) -> int:
    with open_binary(file) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return number
    return 1


def _delimiter(file: str, encoding: str) -> str:
    """The most frequent candidate outside quotation marks on the first line with text."""
    start = read_bytes(file, _HEADER_BYTES).decode(encoding, "replace")
    line = next((each for each in start.splitlines() if each.strip()), "")
    bare = "".join(line.split('"')[::2])
    return max(_DELIMITERS, key=lambda each: (bare.count(each), -_DELIMITERS.index(each)))
