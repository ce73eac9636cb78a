"""Which products of a catalogue go into a job: a list of ids, or a queue for review."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.storage import exists, read_input
from shelfsort.labeling.answer_files import is_table, json_record
from shelfsort.products.manifest.label_origin import PROBABILITY, SELECTED_BY
from shelfsort.products.manifest.lines import Line, file_lines
from shelfsort.products.tables.forms import Form, form_of, rows_of
from shelfsort.products.tables.rows import Reading

SELECTION = (SELECTED_BY, PROBABILITY)
"""What a line says about who chose the product, kept from the list to the labelled manifest."""
_ID = ("id", "task", "product_id")
_REMEDY = "Give one id a line, or a table or JSON Lines with the column id."


def read_chosen(file: str) -> dict[str, Mapping[str, Any]]:
    """The chosen products: what the list says about the choice, by id, in the order of the list.

    Args:
        file: text with an id on each line (`*.txt`), or a table or JSON Lines with `id` or `task`.

    Raises:
        InputError: it cannot be read, or a row has no id.
    """
    chosen: dict[str, Mapping[str, Any]] = {}
    for number, row in _rows(file):
        id_ = next((row[name] for name in _ID if row.get(name) not in (None, "")), "")
        # As the products' own ids: a list that is written out would be the id of none.
        if isinstance(id_, bool) or not isinstance(id_, str | int):
            raise InputError(f"{file}:{number}: the id is no text and no whole number. {_REMEDY}")
        if not str(id_).strip():
            raise InputError(f"{file}:{number}: no id. {_REMEDY}")
        chosen.setdefault(str(id_).strip(), selection_of(row))
    if not chosen:
        raise InputError(f"{file}: no id. {_REMEDY}")
    return chosen


def selection_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a line or a row says about who chose its product."""
    return {name: fields[name] for name in SELECTION if fields.get(name) not in (None, "")}


def selections_in(data: str) -> dict[str, Mapping[str, Any]]:
    """What the lines of JSON Lines say about who chose their products, by id.

    Where such lines have no label, they are read as a table, which has columns for products only.

    Raises:
        InputError: a line is no JSON object.
    """
    if not exists(data) or form_of(data) is not Form.JSON_LINES:
        return {}
    rows = (json_record(line).fields for line in file_lines(data))
    return {str(row["id"]): found for row in rows if row.get("id") and (found := selection_of(row))}


def _rows(file: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if posixpath.splitext(file)[1].lower() == ".txt":
        text = read_input(file, "list of ids").decode("utf-8-sig", "replace")
        for number, id_ in enumerate(text.splitlines(), start=1):
            if id_.strip():
                yield number, {"id": id_.strip()}
    elif is_table(file):
        for row in rows_of(file, form_of(file), Reading()):
            if isinstance(row, Line) or row.fault:
                raise InputError(f"{file}:{row.number}: {row.fault}. Correct the row.")
            yield row.number, row.cells
    else:
        for line in file_lines(file):
            yield line.number, json_record(line).fields
