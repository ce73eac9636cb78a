"""Reads the cells of a table into a row of a source."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from shelfsort.catalog.rows import Reject, SourceRow
from shelfsort.catalog.tables.columns import NamedColumns
from shelfsort.products.manifest.price import currency_of, lowest_price

_TEXTS = ("title", "description", "gtin", "brand", "mpn", "part_of")
_ADDRESSES = re.compile(r"\s*[|,;\s]\s*(?=(?:https?|s3|gs|hdfs|file)://)")
_IN_OBJECTS = {"image_urls": ("url", "src", "href", "link"), "categories": ("name", "title", "id")}
_MAX_LIST = 1_000_000
_MAX_CONTENT = 2_000


class CellSettings(pydantic.BaseModel):
    """How the cells of a table are read.

    Attributes:
        columns: The column of each field, or several of image_urls and categories; "" for none.
            Where a field is not named, its column is recognised by its name.
        separator: Between the entries of a list in one cell. Without one, a cell of pictures is
            parted before each http, and a cell of categories is one category. JSON lists need none.
        currency: Of prices that name none, as an ISO 4217 code.
        decimal: Mark before the fraction of prices; "" where it is found out for each price.
        missing: Cells that mean that nothing is there.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    columns: NamedColumns = {}
    separator: Annotated[str, Field(max_length=10)] = ""
    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""
    decimal: Literal["", ".", ","] = ""
    missing: tuple[str, ...] = ("N/A", "n/a", "NULL", "null", "None", "NaN", "nan", "-")


class CellReader:
    """Reads rows of one table.

    Args:
        settings: of cells.
        columns: of each field, as `columns.columns_of` gives them.
    """

    def __init__(self, settings: CellSettings, columns: Mapping[str, Sequence[str]]):
        self._settings = settings
        self._missing = frozenset(settings.missing)
        self._texts = [(name, columns[name][0]) for name in _TEXTS if name in columns]
        self._id = columns["id"][0]
        self._price = next(iter(columns.get("price", ())), None)
        self._currency = next(iter(columns.get("currency", ())), None)
        self._position = next(iter(columns.get("position", ())), None)
        self._images = columns.get("image_urls", ())
        self._categories = columns.get("categories", ())

    def row(self, cells: Mapping[str, Any], place: str, fault: str = "") -> SourceRow | Reject:
        """A row of the source, or why there is none.

        Args:
            cells: by column: texts, numbers, None, or what JSON holds.
            place: of the row.
            fault: why the table's row is broken, "" where it is whole.
        """
        id_ = ""
        try:
            if fault:
                return self._reject(cells, place, "malformed_row", fault, id_)
            id_ = _text(cells.get(self._id), "id")
            if not id_:
                return self._reject(cells, place, "no_id", f"column {self._id!r} is empty", id_)
            return self._row(cells, id_)
        except _PriceError as error:
            return self._reject(cells, place, "price", str(error), id_)
        # A number too large for a float raises OverflowError.
        except (ValueError, ArithmeticError, RecursionError) as error:
            return self._reject(cells, place, "value", str(error), id_)

    def _row(self, cells: Mapping[str, Any], id_: str) -> SourceRow:
        missing = self._missing
        values: dict[str, Any] = {}
        for name, column in self._texts:
            text = _text(cells.get(column), name)
            if text and text not in missing:
                values[name] = text
        price, currency = self._priced(cells)
        return SourceRow(
            id_,
            price=price,
            currency=currency,
            image_urls=self._listed(cells, self._images, "image_urls"),
            categories=self._listed(cells, self._categories, "categories"),
            position=self._positioned(cells),
            **values,
        )

    def _priced(self, cells: Mapping[str, Any]) -> tuple[float | None, str]:
        currency = ""
        if self._currency is not None:
            currency = _text(cells.get(self._currency), "currency").upper()
        value = None if self._price is None else cells.get(self._price)
        if value is None:
            return None, ""
        default = self._settings.currency
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            price = float(value)
            return (None, "") if math.isnan(price) else (price, currency or default)
        text = _text(value, "price")
        if not text or text in self._missing:
            return None, ""
        return self._number(text), currency or currency_of(text, default)

    def _number(self, text: str) -> float:
        decimal = self._settings.decimal
        if decimal:
            other = "." if decimal == "," else ","
            text = text.replace(other, "").replace(decimal, ".")
        try:
            return lowest_price(text)
        except ValueError as error:
            raise _PriceError(
                f"{error}; where it means that there is none, list it in missing"
            ) from error

    def _positioned(self, cells: Mapping[str, Any]) -> int:
        if self._position is None:
            return 0
        text = _text(cells.get(self._position), "position")
        return int(float(text)) if text and text not in self._missing else 0

    def _listed(
        self, cells: Mapping[str, Any], columns: Sequence[str], field: str
    ) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for column in columns:
            value = cells.get(column)
            if value is None or value == "":
                continue
            for text in self._parts(value, field):
                if text not in self._missing:
                    found[text] = None
        return tuple(found)

    def _parts(self, value: Any, field: str) -> list[str]:
        if isinstance(value, str):
            text = value.strip()
            if text.startswith("[") and len(text) < _MAX_LIST and (inner := _json_list(text)):
                value = inner
            else:
                return self._separated(text, field)
        if isinstance(value, dict):
            value = next((value[key] for key in _IN_OBJECTS[field] if value.get(key)), "")
        if not isinstance(value, list):
            value = [value]
        names = _IN_OBJECTS[field]
        flat = (
            next((each[key] for key in names if each.get(key)), "")
            if isinstance(each, dict)
            else each
            for each in value
        )
        return [text for text in (_text(each, field) for each in flat) if text]

    def _separated(self, text: str, field: str) -> list[str]:
        if self._settings.separator:
            parts = text.split(self._settings.separator)
        elif field == "image_urls":
            parts = _ADDRESSES.split(text)
        else:
            parts = [text]
        return [part for part in (each.strip() for each in parts) if part]

    def _reject(
        self, cells: Mapping[str, Any], place: str, reason: str, detail: str, id_: str
    ) -> Reject:
        content = json.dumps(dict(cells), default=str)[:_MAX_CONTENT]
        return Reject(place, reason, detail, content, id_)


class _PriceError(ValueError):
    """A text that is no price."""


def _json_list(text: str) -> list[Any]:
    """The entries of a list in JSON; empty where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return value if isinstance(value, list) else []


def _text(value: Any, field: str) -> str:
    """A cell as text. Raises ValueError for a list or an object."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else str(value)
    if isinstance(value, list | dict | tuple | bytes | memoryview):
        raise ValueError(f"{field} is a list or an object, not a text")
    return str(value)
