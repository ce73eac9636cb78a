"""Reads a reduction: which leaves of a taxonomy are merged into which category."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.files import parse_json
from shelfsort.core.storage import read_input
from shelfsort.products.taxonomy import Taxonomy, UnknownLabel

_JSON_FORM = "Give a list of objects with from and to."


def load_reduction(path: str, taxonomy: Taxonomy) -> dict[str, str]:
    """The merges in a file, as ids: `{leaf: category it becomes}`.

    The file is a CSV table with the columns `from` and `to`, or a JSON list of objects with these
    keys. Both name categories by id, full path or unique name. A line that maps a leaf onto
    itself has no effect and is left out.

    Raises:
      InputError: unreadable, not of this form, or naming what the taxonomy does not have.
    """
    path = str(path)
    content = read_input(path, "reduction")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason}). Save it as UTF-8.") from error
    pairs = _json_pairs(path, text) if text.lstrip().startswith("[") else _csv_pairs(path, text)
    mapping: dict[str, str] = {}
    for where, source, target in pairs:
        try:
            leaf, into = taxonomy.named(source), taxonomy.named(target)
        except UnknownLabel as error:
            raise InputError(f"{where}: {error}. Use categories of the taxonomy.") from error
        if mapping.get(leaf, into) != into:
            raise InputError(f"{where}: {source!r} is merged twice. Keep one of these lines.")
        if leaf != into:
            mapping[leaf] = into
    return mapping


def _json_pairs(path: str, text: str) -> Iterator[tuple[str, str, str]]:
    entries = parse_json(path, text, _JSON_FORM)
    for position, entry in enumerate(entries, start=1):
        yield f"{path} (entry {position})", *_pair(f"{path} (entry {position})", entry)


def _csv_pairs(path: str, text: str) -> Iterator[tuple[str, str, str]]:
    table = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for row in table:
            where = f"{path}:{table.line_num}"
            yield where, *_pair(where, row)
    except csv.Error as error:
        raise InputError(f"{path}:{table.reader.line_num}: {error}. Save it as CSV.") from error


def _pair(where: str, entry: Any) -> tuple[str, str]:
    pair = [entry.get(key) if isinstance(entry, dict) else None for key in ("from", "to")]
    named = [each for each in pair if isinstance(each, str) and each.strip()]
    if len(named) < len(pair):
        raise InputError(f"{where}: from or to is missing. Give a category for each.")
    return named[0], named[1]
