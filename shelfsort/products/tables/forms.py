"""The forms that data comes in, and the rows of each."""

import itertools
import posixpath
from collections.abc import Iterator
from enum import Enum

from shelfsort.core.errors import NoRows
from shelfsort.core.storage import is_folder
from shelfsort.products.manifest.lines import Line
from shelfsort.products.tables.apart import rows_apart
from shelfsort.products.tables.columns import Columns, recognise
from shelfsort.products.tables.delimited import delimited_rows
from shelfsort.products.tables.image_folders import image_rows
from shelfsort.products.tables.json_rows import (
    is_array,
    is_labelled_manifest,
    json_array_rows,
    json_line_rows,
)
from shelfsort.products.tables.rows import Reading, Row, reading

_ROWS_LOOKED_AT = 1_000


class Form(str, Enum):
    """A form of data; the value is its name for people."""

    MANIFEST = "labelled manifest"
    JSON_LINES = "JSON Lines"
    JSON_ARRAY = "JSON array"
    CSV = "CSV"
    EXCEL = "Excel"
    PARQUET = "Parquet"
    IMAGE_FOLDER = "folder of images"


_SUFFIXES = {
    **dict.fromkeys((".csv", ".tsv", ".tab"), Form.CSV),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), Form.EXCEL),
    **dict.fromkeys((".parquet", ".pq"), Form.PARQUET),
}
TABLE_SUFFIXES = frozenset([*_SUFFIXES, ".jsonl", ".ndjson"])
"""Ends of the names of files that are taken from a folder without a manifest."""


def form_of(file: str) -> Form:
    """The form of a file or folder: by its suffix, JSON by its content.

    Raises:
        InputError: it cannot be read.
    """
    if is_folder(file):
        return Form.IMAGE_FOLDER
    form = _SUFFIXES.get(posixpath.splitext(file)[1].lower())
    if form is not None:
        return form
    with reading(file, "Give the path of a file with products."):
        if is_array(file):
            return Form.JSON_ARRAY
        return Form.MANIFEST if is_labelled_manifest(file) else Form.JSON_LINES


def rows_of(file: str, form: Form, how: Reading) -> Iterator[Row | Line]:
    """The rows of a table of this form; a line of JSON Lines that is no object stays a line.

    Raises:
        InputError: the file cannot be read as such; the message names it and the remedy.
        ValueError: a manifest, which has lines.
    """
    if form is Form.CSV:
        return delimited_rows(file, how.encoding, how.dialect)
    if form is Form.EXCEL:
        return rows_apart(file, sheet=how.sheet, tolerant=how.dialect.tolerant)
    if form is Form.PARQUET:
        return rows_apart(file)
    if form is Form.JSON_ARRAY:
        return json_array_rows(file)
    if form is Form.JSON_LINES:
        return json_line_rows(file)
    if form is Form.IMAGE_FOLDER:
        return image_rows(file)
    raise ValueError(f"a {form.value} has no rows")


def column_names(file: str, form: Form, how: Reading) -> list[str]:
    """The columns of a table, those of its first 1,000 rows where each row names its own."""
    rows = itertools.islice(rows_of(file, form, how), _ROWS_LOOKED_AT)
    if form in (Form.CSV, Form.EXCEL, Form.PARQUET):
        rows = itertools.islice(rows, 1)
    return list(dict.fromkeys(name for row in rows if isinstance(row, Row) for name in row.cells))


def columns_of(file: str, form: Form, how: Reading) -> Columns:
    """Which column holds which field. Raises InputError as `columns.recognise` does."""
    names = column_names(file, form, how)
    if not names:
        raise NoRows(f"{file}: the table has no rows. Give one with a product in each.")
    return recognise(file, names, how.columns, how.label_attribute)
