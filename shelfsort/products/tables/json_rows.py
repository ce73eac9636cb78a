"""Rows of plain JSON Lines and of JSON arrays, and what tells them from a labelled manifest."""

import re
from collections.abc import Iterator

from shelfsort.core.errors import InputError
from shelfsort.core.files import parse_json
from shelfsort.core.storage import blocks, read_input
from shelfsort.products.manifest.lines import Line, file_lines
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.tables.rows import Row

_METADATA = re.compile(rb'-metadata"\s*:\s*\{')
_OVERLAP = 256


def is_labelled_manifest(file: str) -> bool:
    """Whether any line has the metadata of a labelling job. Raises OSError as `open` does."""
    end = b""
    for block in blocks(file):
        if _METADATA.search(end + block):
            return True
        end = block[-_OVERLAP:]
    return False


def is_array(file: str) -> bool:
    """Whether the first character is that of a JSON array. Raises OSError as `open` does."""
    for block in blocks(file):
        start = block.removeprefix(b"\xef\xbb\xbf").lstrip()
        if start:
            return start.startswith(b"[")
    return False


def json_line_rows(file: str) -> Iterator[Row | Line]:
    """An object of each line as a row; a line that holds none as it is, for the usual reject."""
    for line in file_lines(file):
        record = read_record(line)
        yield line if record.fault else Row(line.number, record.fields)


def json_array_rows(file: str) -> Iterator[Row]:
    """The entries of a JSON array, numbered from 1.

    Raises:
        InputError: it is not a JSON array, or larger than 256 MiB.
    """
    content = read_input(file, "data")
    entries = parse_json(file, content, "Write one object on each line instead.")
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{file}: no list of objects. Give one object for each product.")
    for number, entry in enumerate(entries, start=1):
        if isinstance(entry, dict):
            yield Row(number, entry)
        else:
            yield Row(number, {}, fault=f"entry {number} is not an object")
