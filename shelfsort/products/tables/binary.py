"""Rows of Excel and Parquet files; the packages are imported on use."""

import io
from collections.abc import Iterator
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.stack import safe_parquet
from shelfsort.core.storage import open_binary, read_bytes
from shelfsort.products.tables.columns import distinct_names
from shelfsort.products.tables.rows import Row, reading

_ROWS_AT_ONCE = 1_000
_BYTES_AT_ONCE = 64 * 2**20
MAX_ROWS = 20_000_000
"""Of a Parquet file: a few bytes may repeat a row billions of times."""
_LARGEST_WORKBOOK = 256 * 2**20
_NEEDS = "{file}: needs a package. Run pip install 'shelfsort[tables]'."


def excel_rows(path: str, sheet: str, file: str, tolerant: bool = False) -> Iterator[Row]:
    """The rows below the header of one sheet (xlsx, xlsm, xlsb, xls, ods), numbered as there.

    Args:
        path: of the file.
        sheet: its name, "" for the first.
        file: what errors call it.
        tolerant: columns with one name are numbered.

    Raises:
        InputError: it cannot be read, is larger than 256 MiB, or has no such sheet or no header.
    """
    try:
        from python_calamine import CalamineWorkbook
    except ImportError as error:
        raise InputError(_NEEDS.format(file=file)) from error
    with reading(file, "Save it again as .xlsx or as CSV."):
        content = read_bytes(path, _LARGEST_WORKBOOK + 1)
        if len(content) > _LARGEST_WORKBOOK:
            raise InputError(f"{file}: larger than 256 MiB. Save it as CSV.")
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        names = list(workbook.sheet_names)
        if sheet and sheet not in names:
            shown = ", ".join(repr(name) for name in names[:10])
            raise InputError(f"{file}: no sheet {sheet!r}. Set data.sheet to one of: {shown}.")
        opened = workbook.get_sheet_by_name(sheet or names[0])
        start = opened.start[0] if opened.start else 0
        rows = opened.to_python(skip_empty_area=True)
    header: list[str] = []
    for number, cells in enumerate(rows, start=start + 1):
        if all(cell == "" for cell in cells):
            continue
        if not header:
            names = [str(_cell(cell) or "") for cell in cells]
            header = distinct_names(file, number, names, tolerant)
            continue
        yield Row(number, {name: _cell(cell) for name, cell in zip(header, cells, strict=False)})
    if not header:
        raise InputError(f"{file}: the sheet is empty. Give one with a header and rows.")


def parquet_rows(path: str, file: str) -> Iterator[Row]:
    """The rows of a Parquet file, from 1.

    Args:
        path: of the file, or its address.
        file: what errors call it.

    Raises:
        InputError: it cannot be read, or has more than 20,000,000 rows.
    """
    try:
        parquet = safe_parquet()
    except ImportError as error:
        raise InputError(_NEEDS.format(file=file)) from error
    number = 0
    with reading(file, "Write it again as Parquet."), open_binary(path) as stream:
        opened = parquet.ParquetFile(stream)
        if opened.metadata.num_rows > MAX_ROWS:
            raise InputError(
                f"{file}: {opened.metadata.num_rows:,} rows, more than {MAX_ROWS:,}. Divide it."
            )
        for batch in opened.iter_batches(batch_size=_rows_at_once(opened.metadata)):
            for cells in batch.to_pylist():
                number += 1
                yield Row(number, {name: _cell(value) for name, value in cells.items()})


def _rows_at_once(metadata: Any) -> int:
    """As many as take about 64 MiB: a row may hold an image."""
    groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
    widest = max((each.total_byte_size / max(1, each.num_rows) for each in groups), default=0)
    return max(1, min(_ROWS_AT_ONCE, int(_BYTES_AT_ONCE / max(1, widest))))


def _cell(value: Any) -> Any:
    """What JSON can hold: whole numbers without a fraction, and dates as text."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, str | int | float | bool | list | dict):
        return value
    return str(value)
