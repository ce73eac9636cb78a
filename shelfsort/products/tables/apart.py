"""Rows of Excel and Parquet files, read in a process of its own with little memory and time.

A file of a kilobyte may claim billions of cells, and the libraries that read both formats end the
process when there is no memory. So the process that they end is not the one that asked.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from shelfsort.core import storage
from shelfsort.core.errors import InputError
from shelfsort.products.manifest.lines import LONGEST_LINE_BYTES
from shelfsort.products.tables.binary import excel_rows, parquet_rows
from shelfsort.products.tables.rows import Row, reading

MAX_MEMORY_BYTES = 4 << 30
MAX_CPU_SECONDS = 600

_REMEDY = "Save it as CSV, or in several files."


def rows_apart(file: str, *, sheet: str | None = None, tolerant: bool = False) -> Iterator[Row]:
    """The rows of a file, as `excel_rows` or `parquet_rows` gives them.

    What JSON does not hold, such as a date in a list, becomes text.

    Args:
        file: path or address.
        sheet: of an Excel file, "" for the first; None for a Parquet file.
        tolerant: columns of an Excel file with one name are numbered.

    Raises:
        InputError: as those; or it takes more than 4 GiB of memory or 10 minutes of computing.
    """
    with tempfile.TemporaryDirectory(prefix="shelfsort-") as folder:
        path = str(storage.local_path(file))
        if storage.is_remote(file):
            path = str(Path(folder, "table"))
            with reading(file, "Give the path of a file."):
                storage.copy(file, path)
        yield from _rows(file, path, sheet, tolerant)


def _rows(file: str, path: str, sheet: str | None, tolerant: bool) -> Iterator[Row]:
    what = json.dumps([file, path, sheet, tolerant])
    # Modules that only this process finds are found there, too.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-m", "shelfsort.products.tables.apart", what],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    assert process.stdout is not None
    ended = False
    with process.stdout as answers:
        try:
            for answer in map(json.loads, answers):
                if isinstance(answer, str):
                    raise InputError(answer)
                if answer is None:
                    ended = True
                    break
                yield Row(*answer)
        finally:
            process.kill()
            process.wait()
    if not ended:
        raise InputError(
            f"{file}: reading it takes more than {MAX_MEMORY_BYTES >> 30} GiB of memory or "
            f"{MAX_CPU_SECONDS // 60} minutes. {_REMEDY}"
        )


def _write(file: str, path: str, sheet: str | None, tolerant: bool, out: IO[str]) -> None:
    """Writes a line for each row, then one that says how it ended: null, or an error's text."""
    end = None
    try:
        with reading(file, _REMEDY):
            if sheet is None:
                rows = parquet_rows(path, file)
            else:
                rows = excel_rows(path, sheet, file, tolerant)
            for row in rows:
                out.write(_line(row))
    except InputError as error:
        end = str(error)
    out.write(json.dumps(end) + "\n")
    out.flush()


def _line(row: Row) -> str:
    cells: dict[str, Any] = dict(row.cells)
    text = json.dumps([row.number, cells, row.fault], default=str)
    if len(text) > LONGEST_LINE_BYTES:
        fault = f"longer than {LONGEST_LINE_BYTES >> 20} MiB"
        text = json.dumps([row.number, {}, fault])
    return text + "\n"


def _bound() -> None:
    for kind, most in (
        (resource.RLIMIT_DATA, MAX_MEMORY_BYTES),
        (resource.RLIMIT_CPU, MAX_CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        with suppress(ValueError, OSError):
            allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (allowed, allowed))


if __name__ == "__main__":
    _bound()
    named, place, chosen, lenient = json.loads(sys.argv[1])
    _write(named, place, chosen, lenient, sys.stdout)
