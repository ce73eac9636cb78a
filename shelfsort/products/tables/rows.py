"""A row of a table, and how tables are read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shelfsort.core.errors import InputError

CATEGORY = "category"
"""The field that holds the label, and the label attribute of lines made from tables."""


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        number: line, row or entry in its file, from 1.
        cells: values by the name of their column: text, number, Boolean, None, or what JSON holds.
        fault: why the row cannot be read, "" where it can.
        lacking: number of columns of the header that the row has no cell for.
    """

    number: int
    cells: Mapping[str, Any]
    fault: str = ""
    lacking: int = 0


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Attributes:
        delimiter: between cells, "" for the one of comma, semicolon, tab and bar that the header
            has most of.
        quote: mark around a cell, "" for none.
        escape: mark before a quotation mark within a cell, "" where it is doubled.
        tolerant: a row that breaks the rules is a row with a fault, and of columns with one name
            the later ones are numbered; otherwise both end the reading.
    """

    delimiter: str = ""
    quote: str = '"'
    escape: str = ""
    tolerant: bool = False


@dataclass(frozen=True)
class Reading:
    """How tables are read.

    Attributes:
        columns: the column of a field (`columns.FIELDS`), where it is not to be recognised.
        encoding: of CSV files that are not UTF-8 or UTF-16 with a byte-order mark.
        sheet: of Excel files, "" for the first.
        label_attribute: of the lines, "" for `category`. Where no column is named and none
            recognised, the column of this name holds the category.
        also: further columns, which lines of tables keep under their own names.
        dialect: of CSV files.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    sheet: str = ""
    label_attribute: str = ""
    also: tuple[str, ...] = ()
    dialect: Dialect = Dialect()


@contextmanager
def reading(file: str, remedy: str) -> Iterator[None]:
    """Turns whatever a library raises over a file's content into an InputError with the remedy."""
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        raise InputError(
            f"{file}: cannot be read ({error.strerror or error}). Check the path."
        ) from error
    # Parsers of hostile files raise nearly anything.
    except Exception as error:
        raise InputError(f"{file}: {error or type(error).__name__}. {remedy}") from error
