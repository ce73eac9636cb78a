"""Reads the file of a category tree: JSON, a table, a list of paths, Google's or Shopify's form."""

import bisect
import itertools
import json
import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.files import parse_json
from shelfsort.core.storage import read_input
from shelfsort.products.tables.forms import form_of, rows_of
from shelfsort.products.tables.rows import Reading, Row
from shelfsort.products.taxonomy_checks import MAX_CATEGORIES
from shelfsort.products.taxonomy_forms import (
    MAX_LEVELS,
    PATH_SEPARATOR,
    nodes_of_paths,
    path_parts,
)
from shelfsort.products.taxonomy_published import (
    is_shopify,
    list_form,
    nodes_of_list,
    nodes_of_shopify,
)

_TABLES = frozenset({".csv", ".tsv", ".xlsx", ".xlsm", ".xls", ".ods", ".parquet"})
_KEYS = {
    "id": ("id", "category_id"),
    "name": ("name", "category"),
    "parent": ("parent", "parent_id"),
}
_PATHS = ("path", "category_path", "full_path")
_DECLARED_ID = re.compile(r'"id"\s*:\s*("(?:[^"\\]|\\.)*"|\d+)')


@dataclass(frozen=True)
class TreeFile:
    """What a file holds, unchecked.

    Attributes:
        path: of the file.
        form: what it was read as, for people.
        nodes: as `Taxonomy.from_nodes` takes them.
        line_of: the line of a category's id, from 1, or the row of a table; None where it is
            not known.
    """

    path: str
    form: str
    nodes: Any
    line_of: Callable[[str], int | None]


def read_tree_file(path: str) -> TreeFile:
    """Reads a file.

    JSON holds a list of nodes or of paths, or is Shopify's. A table has the columns `id`, `name`
    and `parent`, or `path`. A `.txt` file has a path on each line, or an id and a path as Google
    and Shopify publish them; lines that begin with `#` are left out.

    Raises:
        InputError: it cannot be read, or is not of its form.
    """
    suffix = posixpath.splitext(path)[1].lower()
    if suffix in _TABLES:
        return _of_table(path)
    content = read_input(path, "taxonomy")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason}). Save it as UTF-8.") from error
    return _of_lines(path, text) if suffix == ".txt" else _of_json(path, text)


def _of_lines(path: str, text: str) -> TreeFile:
    stripped = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    lines = [(number, line) for number, line in stripped if line and not line.startswith("#")]
    if len(lines) > MAX_CATEGORIES:
        raise InputError(
            f"{path}: {len(lines):,} lines; the limit is {MAX_CATEGORIES:,} categories. Give the "
            "part of the tree that has products."
        )
    form = list_form(lines)
    if form is None:
        return _of_paths(path, "a path on each line", lines)
    nodes, line_of = nodes_of_list(path, lines, form)
    return TreeFile(path, form.name, nodes, line_of)


def _of_json(path: str, text: str) -> TreeFile:
    content = parse_json(path, text, "Give a JSON list of categories.")
    if is_shopify(content):
        return TreeFile(path, "Shopify's JSON", nodes_of_shopify(path, content), _lines(text))
    if isinstance(content, list) and content and all(isinstance(each, str) for each in content):
        return TreeFile(path, "JSON list of paths", nodes_of_paths(content), lambda _: None)
    return TreeFile(path, "JSON list of categories", content, _lines(text))


def _of_table(path: str) -> TreeFile:
    form = form_of(path)
    held = itertools.islice(rows_of(path, form, Reading()), MAX_CATEGORIES + 1)
    rows = [row for row in held if isinstance(row, Row)]
    if len(rows) > MAX_CATEGORIES:
        raise InputError(
            f"{path}: more than {MAX_CATEGORIES:,} rows, which is the limit. Give the part of the "
            "tree that has products."
        )
    names = {
        name.strip().casefold().replace(" ", "_"): name for row in rows[:1] for name in row.cells
    }
    column = next((names[each] for each in _PATHS if each in names), None)
    if column is not None:
        paths = [(row.number, str(row.cells.get(column) or "")) for row in rows]
        return _of_paths(path, f"{form.value} of paths", paths)
    found = {key: names[each] for key, known in _KEYS.items() for each in known if each in names}
    if set(found) != set(_KEYS):
        raise InputError(f"{path}: no columns id, name and parent, or path. Add them.")
    nodes = [{key: row.cells.get(name) for key, name in found.items()} for row in rows]
    numbers = {str(row.cells.get(found["id"])): row.number for row in rows}
    return TreeFile(path, f"{form.value} of ids and parents", nodes, numbers.get)


def _of_paths(path: str, form: str, paths: list[tuple[int, str]]) -> TreeFile:
    return TreeFile(path, form, nodes_of_paths(each for _, each in paths), _first(paths))


def _first(paths: Iterable[tuple[int, str]]) -> Callable[[str], int | None]:
    """The first line on which a category stands whose id is its path."""

    @cache
    def numbers() -> dict[str, int]:
        first: dict[str, int] = {}
        for number, path in paths:
            for here in itertools.accumulate(path_parts(path)[:MAX_LEVELS], _joined):
                first.setdefault(here, number)
        return first

    return lambda id_: numbers().get(id_)


def _joined(above: str, name: str) -> str:
    return f"{above}{PATH_SEPARATOR}{name}"


def _lines(text: str) -> Callable[[str], int | None]:
    """The line of JSON on which a category's id is declared."""

    @cache
    def numbers() -> dict[str, int]:
        ends = [match.start() for match in re.finditer("\n", text)]
        first: dict[str, int] = {}
        for match in _DECLARED_ID.finditer(text):
            try:
                id_ = str(json.loads(match[1]))
            except ValueError:
                continue
            first.setdefault(id_, bisect.bisect_left(ends, match.start()) + 1)
        return first

    return lambda id_: numbers().get(id_)
