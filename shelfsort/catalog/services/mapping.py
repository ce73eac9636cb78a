"""Turns the products of a service into rows, by the paths that the settings give."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urljoin

import pydantic
from pydantic import BeforeValidator, Field

from shelfsort.catalog.rows import ROW_FIELDS, Reject, SourceRow
from shelfsort.catalog.services.paths import JsonPath, values_at
from shelfsort.products.manifest.price import currency_of, lowest_price

_LISTS = ("image_urls", "categories")
_MAX_CONTENT = 2_000


def _listed(paths: Any) -> Any:
    return [paths] if isinstance(paths, str) else paths


Paths = Annotated[tuple[JsonPath, ...], BeforeValidator(_listed), Field(min_length=1)]


def _known(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in fields:
        if name not in ROW_FIELDS:
            raise ValueError(f"no field {name!r}; the fields are {', '.join(ROW_FIELDS)}")
    return fields


Fields = Annotated[dict[str, Paths], pydantic.AfterValidator(_known)]
"""One path or several for each field of a row. A text or number is the first that is there;
pictures and categories are all that are there."""
Defaults = Annotated[dict[str, str], pydantic.AfterValidator(_known)]
"""Values of fields where no path leads to one."""


class Mapper:
    """Reads products as the settings say."""

    def __init__(
        self,
        fields: Mapping[str, Sequence[str]],
        defaults: Mapping[str, str],
        address: str,
        hidden: Callable[[str], str],
    ):
        """Prepares the paths.

        Args:
            fields: paths by the name of a field.
            defaults: values by the name of a field.
            address: that relative addresses of pictures begin at.
            hidden: takes the key out of a text.
        """
        self._fields = fields
        self._defaults = defaults
        self._address = address
        self._hidden = hidden

    def id_of(self, item: Any) -> str:
        """The id of a product, "" where there is none."""
        try:
            return self._text(item, "id")
        except ValueError:
            return ""

    def row(
        self, item: Any, place: str, categories: Sequence[str] = (), id_: str = ""
    ) -> SourceRow | Reject:
        """A product as a row.

        Args:
            item: of JSON.
            place: where it stands.
            categories: that it has beside its own.
            id_: where the product does not name one.
        """
        if not isinstance(item, dict):
            return self._reject(item, place, "no_object", "an object is expected", id_)
        known = id_ or self.id_of(item)
        try:
            values = {name: self._value(item, name) for name in self._named}
            values["price"], values["currency"] = self._priced(item)
            values["id"] = self._text(item, "id") or id_
            values["categories"] = tuple(
                dict.fromkeys((*values.get("categories", ()), *categories))
            )
            return SourceRow(**values)
        # A whole number of hundreds of digits is no price.
        except (ValueError, OverflowError) as error:
            reason = "value" if known else "no_id"
            return self._reject(item, place, reason, str(error), known)

    @property
    def _named(self) -> Iterator[str]:
        return (name for name in ROW_FIELDS if name in self._fields or name in self._defaults)

    def _value(self, item: Any, name: str) -> Any:
        if name in _LISTS:
            return tuple(self._texts(item, name))
        text = self._text(item, name)
        return int(text or 0) if name == "position" else text

    def _text(self, item: Any, name: str) -> str:
        for path in self._fields.get(name, ()):
            for value in values_at(item, path):
                if text := self._cleaned(value, path):
                    return text
        return self._defaults.get(name, "")

    def _texts(self, item: Any, name: str) -> Iterator[str]:
        found = (
            self._cleaned(value, path)
            for path in self._fields.get(name, ())
            for value in values_at(item, path)
        )
        texts = dict.fromkeys(text for text in found if text)
        if not texts and name in self._defaults:
            texts = {self._defaults[name]: None}
        return (self._absolute(text) if name == "image_urls" else text for text in texts)

    def _priced(self, item: Any) -> tuple[float | None, str]:
        """The price, the lower end of a range, and its currency."""
        default = self._defaults.get("currency", "")
        given = self._text(item, "currency") if "currency" in self._fields else default
        currency = currency_of(given, default) or given.upper()
        for path in self._fields.get("price", ()):
            for value in values_at(item, path):
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    return float(value), currency
                if text := self._cleaned(value, path):
                    return lowest_price(text), currency_of(text, currency) or currency
        usual = self._defaults.get("price")
        return (None if usual is None else lowest_price(usual)), currency

    def _cleaned(self, value: Any, path: str) -> str:
        """A value as text. Raises ValueError for an object, a list, and true or false."""
        if value is None:
            return ""
        if isinstance(value, str):
            return self._hidden(value.strip())
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
            return str(int(value)) if whole else str(value)
        raise ValueError(f"{path} leads to {_kind(value)}, not to a text or a number")

    def _absolute(self, url: str) -> str:
        if "://" in url or url.startswith("//"):
            return url
        return urljoin(self._address, url)

    def _reject(self, item: Any, place: str, reason: str, detail: str, id_: str) -> Reject:
        content = self._hidden(json.dumps(item)[:_MAX_CONTENT])
        return Reject(place, reason, detail, content, id_)


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", bool: "true or false"}.get(type(value), "nothing")
