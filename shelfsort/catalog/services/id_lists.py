"""The ids that a service is asked for: lines of a text, a column of a table, a result of SQL."""

import posixpath
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import pydantic
import sqlalchemy as sa
from pydantic import Field

from shelfsort.catalog.rows import MAX_ID
from shelfsort.core.database.engine import open_engine, reader, reading_errors, shown
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
        database: SQLite file, or `postgresql://…`, instead of a file.
        query: Whose first column holds the ids.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    file: str = ""
    column: str = ""
    database: str = ""
    query: Annotated[str, Field(max_length=100_000)] = ""

    @pydantic.model_validator(mode="after")
    def _one_place(self) -> "IdList":
        if bool(self.file) == bool(self.database):
            raise ValueError("name a file, or a database and a query")
        if self.database and not self.query:
            raise ValueError("name the query of the ids")
        if self.file and not self.column and not self.file.lower().endswith(".txt"):
            raise ValueError("name the column of the ids")
        return self


def read_ids(settings: IdList, folder: str) -> tuple[list[str], int]:
    """The different ids in their order, and how many came again.

    Args:
        settings: of the list.
        folder: where relative places start.

    Raises:
        InputError: the list cannot be read, is empty, or an id is too long.
    """
    place = placed(folder, settings.file or settings.database)
    given = _of_query(place, settings.query) if settings.database else _of_file(place, settings)
    ids: dict[str, None] = {}
    repeated = 0
    for id_ in given:
        if len(id_) > MAX_ID:
            long = f"an id has more than {MAX_ID} characters"
            raise InputError(f"{shown(place)}: {long}. Correct it.")
        repeated += id_ in ids
        ids[id_] = None
    if not ids:
        raise InputError(f"{shown(place)}: there are no ids. Give a list with some.")
    return list(ids), repeated


def _of_file(place: str, settings: IdList) -> Iterable[str]:
    if posixpath.splitext(place)[1].lower() == ".txt":
        return _of_lines(place)
    return _of_column(place, settings.column)


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


def _of_query(place: str, query: str) -> Iterator[str]:
    engine = open_engine(place, must_exist=True)
    try:
        with reading_errors(place), reader(engine) as connection:
            streamed = connection.execution_options(yield_per=_ROWS_AT_ONCE)
            for value, *_ in streamed.execute(sa.text(query)):
                if text := _as_id(value):
                    yield text
    finally:
        engine.dispose()


def _as_id(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()
