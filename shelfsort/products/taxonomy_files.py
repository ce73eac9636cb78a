"""Reads the file of a category tree: JSON, a table, or a path on each line."""

import posixpath
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.files import parse_json
from shelfsort.core.storage import read_input
from shelfsort.products.tables.forms import form_of, rows_of
from shelfsort.products.tables.rows import Reading, Row
from shelfsort.products.taxonomy_forms import nodes_of_paths

_TABLES = frozenset({".csv", ".tsv", ".xlsx", ".xlsm", ".xls", ".ods", ".parquet"})
_KEYS = {
    "id": ("id", "category_id"),
    "name": ("name", "category"),
    "parent": ("parent", "parent_id"),
}
_PATHS = ("path", "category_path", "full_path")


def read_nodes(path: str) -> tuple[Any, str]:
    """What a file holds, unchecked, and its text where a line of it can be named.

    JSON holds a list of nodes or of paths. A table has the columns `id`, `name` and `parent`, or
    `path`. A `.txt` file has a path on each line; lines that begin with `#` are left out.

    Raises:
        InputError: it cannot be read, or is not of its form.
    """
    suffix = posixpath.splitext(path)[1].lower()
    if suffix in _TABLES:
        return _of_table(path), ""
    content = read_input(path, "taxonomy")
    try:
        text = content.decode("utf-8-sig")
        if suffix == ".txt":
            lines = [line.strip() for line in text.splitlines()]
            return nodes_of_paths(line for line in lines if line and not line.startswith("#")), ""
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason}). Save it as UTF-8.") from error
    nodes = parse_json(path, text, "Give a JSON list of categories.")
    if isinstance(nodes, list) and nodes and all(isinstance(each, str) for each in nodes):
        return nodes_of_paths(nodes), ""
    return nodes, text


def _of_table(path: str) -> list[dict[str, Any]]:
    rows = [row for row in rows_of(path, form_of(path), Reading()) if isinstance(row, Row)]
    names = {
        name.strip().casefold().replace(" ", "_"): name for row in rows[:1] for name in row.cells
    }
    column = next((names[each] for each in _PATHS if each in names), None)
    if column is not None:
        return nodes_of_paths(str(row.cells.get(column) or "") for row in rows)
    found = {key: names[each] for key, known in _KEYS.items() for each in known if each in names}
    if set(found) != set(_KEYS):
        raise InputError(f"{path}: no columns id, name and parent, or path. Add them.")
    return [{key: row.cells.get(name) for key, name in found.items()} for row in rows]
