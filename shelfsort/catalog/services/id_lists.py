"""The ids that a service is asked for: lines of a text, a column of a table, a result of SQL."""

from collections.abc import Iterator
from typing import Any

import pydantic
import sqlalchemy as sa

from shelfsort.catalog.rows import MAX_ID
from shelfsort.catalog.warehouse import (
    ReadingQuery,
    UrlVariable,
    open_warehouse,
    query_errors,
    read_only,
)
from shelfsort.core.errors import InputError
from shelfsort.core.storage import placed, read_input
from shelfsort.products.tables.forms import form_of, rows_of
from shelfsort.products.tables.rows import Reading, Row

_ROWS_AT_ONCE = 10_000


class IdList(pydantic.BaseModel):
    """Where ids come from.

    Attributes:
        file: Table with the ids in a column, or text (`.txt`) with one on each line.
        column: Of the table.
        url_variable: Environment variable with the address of a database, instead of a file.
        query: Whose first column holds the ids; it only reads.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    file: str = ""
    column: str = ""
    url_variable: UrlVariable | None = None
    query: ReadingQuery | None = None

    @pydantic.model_validator(mode="after")
    def _one_place(self) -> "IdList":
        if bool(self.file) == bool(self.url_variable):
            raise ValueError("name a file, or url_variable and a query")
        if (self.query is None) != (self.url_variable is None):
            raise ValueError("url_variable and the query of the ids go together")
        if self.file and not self.column and not self.file.lower().endswith(".txt"):
            raise ValueError("name the column of the ids")
        return self


def read_ids(settings: IdList, name: str, folder: str) -> tuple[list[str], int]:
    """The different ids in their order, and how many came again.

    Args:
        settings: of the list.
        name: of the source, which begins messages.
        folder: where relative places start.

    Raises:
        InputError: the list cannot be read, is empty, or an id is too long.
    """
    place = placed(folder, settings.file)
    if settings.url_variable is not None and settings.query is not None:
        given = _of_query(name, settings.url_variable, settings.query)
        place = name
    elif place.lower().endswith(".txt"):
        given = _of_lines(place)
    else:
        given = _of_column(place, settings.column)
    ids: dict[str, None] = {}
    repeated = 0
    for id_ in given:
        if len(id_) > MAX_ID:
            long = f"an id has more than {MAX_ID} characters"
            raise InputError(f"{place}: {long}. Correct it.")
        repeated += id_ in ids
        ids[id_] = None
    if not ids:
        raise InputError(f"{place}: there are no ids. Give a list with some.")
    return list(ids), repeated


def _of_lines(place: str) -> Iterator[str]:
    try:
        text = read_input(place, "list of ids").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: not UTF-8 ({error.reason}). Save it as UTF-8.") from error
    return (line.strip() for line in text.splitlines() if line.strip())


def _of_column(place: str, column: str) -> Iterator[str]:
    for row in rows_of(place, form_of(place), Reading()):
        if not isinstance(row, Row) or row.fault:
            number = row.number
            raise InputError(f"{place}:{number}: the row cannot be read. Correct it.")
        if column not in row.cells:
            there = ", ".join(map(repr, list(row.cells)[:10]))
            raise InputError(f"{place}: no column {column!r}. Choose one of: {there}.")
        if text := _as_id(row.cells[column]):
            yield text


def _of_query(name: str, variable: str, query: str) -> Iterator[str]:
    engine = open_warehouse(name, variable)
    with query_errors(name), read_only(engine, _ROWS_AT_ONCE) as connection:
        for value, *_ in connection.execute(sa.text(query)):
            if text := _as_id(value):
                yield text


def _as_id(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    # JSON may escape half of a surrogate pair, which no request can hold.
    return "" if value is None else str(value).strip().encode("utf-8", "replace").decode()
