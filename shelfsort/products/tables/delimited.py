"""Rows of CSV and TSV files, as spreadsheets and shops write them."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator

from shelfsort.core.errors import InputError
from shelfsort.core.storage import open_binary, read_bytes
from shelfsort.products.tables.rows import Row, reading

_DELIMITERS = ",;\t|"
_LONGEST_ROW = 16 * 2**20
_HEADER_BYTES = 2**16
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def delimited_rows(file: str, encoding: str) -> Iterator[Row]:
    """The rows below the header; blank lines are skipped.

    The delimiter is the one of comma, semicolon, tab and bar that the header has most of. A row
    is numbered by the line that it begins on.

    Raises:
        InputError: the file cannot be read or decoded, or has no header with distinct names.
    """
    text = _encoding(file, encoding)
    with reading(file, "Save it as CSV in UTF-8."), open_binary(file) as stream:
        wrapped = io.TextIOWrapper(stream, encoding=text, newline="")
        csv.field_size_limit(_LONGEST_ROW)
        lines = _Lines(file, wrapped)
        table = csv.reader(lines, delimiter=_delimiter(file, text), strict=True)
        try:
            yield from _rows(file, table, lines)
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
    """The lines of a text, so many to a row that it can be held: the reader sets no bound."""

    def __init__(self, file: str, text: io.TextIOWrapper):
        self._file, self._text = file, text
        self._number = 0
        self._left = _LONGEST_ROW

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(self._left + 1):
            self._number += 1
            self._left -= len(line)
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
) -> Iterator[Row]:
    header: list[str] = []
    first = 1
    for cells in table:
        lines.next_row()
        number, first = first, table.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if not header:
            header = _header(file, number, cells)
            continue
        beyond = [cell for cell in cells[len(header) :] if cell.strip()]
        fault = f"{len(cells)} cells under {len(header)} columns" if beyond else ""
        yield Row(number, dict(zip(header, cells, strict=False)), fault)
    if not header:
        raise InputError(f"{file}: the table is empty. Give one with a header and rows.")


def _header(file: str, number: int, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    repeated = sorted(name for name, count in Counter(names).items() if name and count > 1)
    if repeated:
        raise InputError(
            f"{file}:{number}: the column {repeated[0]!r} occurs twice. Rename one of them."
        )
    return [name or f"column {place}" for place, name in enumerate(names, start=1)]


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
