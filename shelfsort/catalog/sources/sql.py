"""Products from a query of a database, such as a warehouse."""

import json
from collections.abc import Iterator
from typing import Any, Literal

import pydantic
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.catalog.rows import Page, Reject, Source, SourceRow, StaleCursorError
from shelfsort.catalog.sources.base import SourceSettings
from shelfsort.catalog.tables.cells import CellReader, CellSettings
from shelfsort.catalog.tables.columns import columns_of
from shelfsort.catalog.tables.pages import gathered
from shelfsort.catalog.warehouse import (
    ReadingQuery,
    UrlVariable,
    open_warehouse,
    query_errors,
    read_only,
)
from shelfsort.core.errors import InputError
from shelfsort.products.tables.columns import distinct_names

_ROWS_AT_ONCE = 1_000


class SqlSettings(SourceSettings, CellSettings):
    """Products from a query.

    Attributes:
        url_variable: Environment variable with the database's address, such as
            `postgresql://reader@warehouse/shop`. Any database of SQLAlchemy whose driver is
            installed can be read.
        query: That gives one row for each product. Its columns are named or recognised as those of
            a table. It is run as it stands, in a transaction that only reads.
        since_column: Column of the query that only grows, such as the time of the last change. The
            query names the greatest value of the last pass as `:since`, and gives what changed
            since; products that it leaves out are not gone.
        since_start: `:since` of the first pass.
    """

    type: Literal["sql"] = "sql"
    url_variable: UrlVariable
    query: ReadingQuery
    since_column: str = ""
    since_start: str | int | float = "1970-01-01"

    @pydantic.model_validator(mode="after")
    def _since_is_used(self) -> "SqlSettings":
        if bool(self.since_column) != (":since" in self.query):
            raise ValueError("since_column and :since in the query go together")
        return self

    def open(self) -> Source:
        return _Query(self, open_warehouse(self.name, self.url_variable))


class _Query:
    def __init__(self, settings: SqlSettings, engine: Engine):
        self._settings = settings
        self._engine = engine
        self.lists_all = not settings.since_column

    def pages(self, cursor: str, state: str) -> Iterator[Page]:
        """Pages of about 5,000 rows. A query that was stopped is run again."""
        if cursor:
            raise StaleCursorError
        name, since = self._settings.name, json.loads(state) if state else None
        given = {"since": since if state else self._settings.since_start}
        newest = _Newest(self._settings.since_column, since)
        with query_errors(name), read_only(self._engine, _ROWS_AT_ONCE) as connection:
            statement = sa.text(self._settings.query)
            result = connection.execute(statement, given if self._settings.since_column else {})
            names = distinct_names(name, 1, list(result.keys()), tolerant=True)
            reader = CellReader(self._settings, columns_of(name, names, self._settings.columns))
            newest.check(name, names)
            rows = self._rows(result, names, reader, newest)
            for number, page in enumerate(gathered(rows), start=1):
                yield Page(page.rows, page.rejects, cursor=str(number), places=page.places)
        yield Page((), state=newest.written())

    def _rows(
        self, result: Any, names: list[str], reader: CellReader, newest: "_Newest"
    ) -> Iterator[tuple[SourceRow | Reject, str]]:
        number = 0
        for rows in result.partitions(_ROWS_AT_ONCE):
            for row in rows:
                number += 1
                cells = dict(zip(names, row, strict=True))
                newest.see(cells)
                place = f"{self._settings.name}:{number}"
                yield reader.row(cells, place), place


class _Newest:
    """The greatest value of a column."""

    def __init__(self, column: str, value: Any):
        self._column = column
        self._value = value

    def check(self, name: str, names: list[str]) -> None:
        """Raises InputError where the query has no such column."""
        if self._column and self._column not in names:
            raise InputError(f"{name}: the query has no column {self._column!r}. Add since_column.")

    def see(self, cells: dict[str, Any]) -> None:
        """Takes a row."""
        value = cells.get(self._column) if self._column else None
        if value is None:
            return
        plain = value if isinstance(value, str | int | float) else str(value)
        if self._value is None or plain > self._value:
            self._value = plain

    def written(self) -> str:
        """As JSON, "" for none."""
        return "" if self._value is None else json.dumps(self._value)
