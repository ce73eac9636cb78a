"""Writes answers as CSV, JSON Lines or Parquet, whole or not at all."""

import csv
import io
import itertools
import json
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Any

from shelfsort.core import files
from shelfsort.core.errors import InputError
from shelfsort.core.spreadsheets import as_cell

_ROWS_AT_ONCE = 10_000
Records = Iterable[Mapping[str, Any]]
"""May be gone through several times."""


def writer_of(output: str) -> Callable[[str, Sequence[str], Records], None]:
    """The function that writes an output: its arguments are the place, the columns and records.

    Raises:
        InputError: the name has another suffix, or a package is missing.
    """
    suffix = posixpath.splitext(output)[1].lower()
    if suffix not in _WRITERS:
        raise InputError(f"--output {output}: unknown form. Use {', '.join(_WRITERS)}.")
    if suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise InputError(
                f"--output {output}: needs a package. Run pip install 'shelfsort[tables]'."
            ) from error
    return _WRITERS[suffix]


def _write_jsonl(output: str, columns: Sequence[str], records: Records) -> None:
    with files.writing(output) as stream:
        for record in records:
            whole = {name: record.get(name) for name in columns}
            stream.write(f"{json.dumps(whole, ensure_ascii=False)}\n".encode())


def _write_delimited(delimiter: str) -> Callable[[str, Sequence[str], Records], None]:
    def write(output: str, columns: Sequence[str], records: Records) -> None:
        with files.writing(output) as stream:
            text = io.TextIOWrapper(stream, "utf-8", newline="", write_through=True)
            table = csv.writer(text, delimiter=delimiter)
            table.writerow(columns)
            table.writerows([_cell(record.get(name)) for name in columns] for record in records)
            text.detach()

    return write


def _write_parquet(output: str, columns: Sequence[str], records: Records) -> None:
    with files.writing(output) as stream:
        _write_table(stream, columns, records)


def _write_table(stream: IO[bytes], columns: Sequence[str], records: Records) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    kinds: dict[str, type] = {}
    # The first rows may all be errors: a column's type is that of its first value.
    for record in records:
        for name in columns:
            if record.get(name) is not None:
                kinds.setdefault(name, type(record[name]))
    schema = pa.schema([(name, types.get(kinds.get(name, str), pa.string())) for name in columns])
    with parquet.ParquetWriter(stream, schema) as writer:
        rows = iter(records)
        while chunk := list(itertools.islice(rows, _ROWS_AT_ONCE)):
            arrays = [
                pa.array([_plain(record.get(name)) for record in chunk], schema.field(name).type)
                for name in columns
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    plain = _plain(value)
    return as_cell(plain) if isinstance(plain, str) else str(plain)


_WRITERS: dict[str, Callable[[str, Sequence[str], Records], None]] = {
    ".csv": _write_delimited(","),
    ".tsv": _write_delimited("\t"),
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}


def columns_of(records: Records, first: Sequence[str], last: Sequence[str]) -> list[str]:
    """The columns of all records: `first`, then the others in their order, then `last`."""
    middle: dict[str, None] = {}
    for record in records:
        middle.update(dict.fromkeys(name for name in record if name not in (*first, *last)))
    return [*first, *middle, *last]
