"""What a source's rows have to keep: checked before anything is stored."""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated

import pydantic
from pydantic import Field

from shelfsort.catalog.rows import ROW_FIELDS, SourceRow

_TEXTS = tuple(field.name for field in fields(SourceRow) if field.type in ("str", str))


class Contract(pydantic.BaseModel):
    """What a source promises.

    Attributes:
        required: Fields that every row has.
        least_rows: Fewer in a whole pass are refused.
        most_rows: More in a whole pass are refused.
        least_share: Of the rows of the last whole pass; fewer are refused, since a source that
            lost most of its rows is more often broken than sold out.
        least_pictures: Of the rows with a picture of the last whole pass; fewer are refused, and as
            many with their picture at other hosts.
        most_rejected: Share of rows in quarantine above which the pass is refused.
        least_price: A smaller price is refused.
        most_price: A larger price is refused.
        currencies: That prices may have; empty for any.
        patterns: Regular expression that a text field matches as a whole where it is not empty,
            such as `\\d{8}|\\d{13}` for `gtin`.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    required: tuple[str, ...] = ("id",)
    least_rows: Annotated[int, Field(ge=0)] = 1
    most_rows: Annotated[int, Field(ge=1)] | None = None
    least_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    least_pictures: Annotated[float, Field(ge=0, le=1)] = 0.5
    most_rejected: Annotated[float, Field(ge=0, le=1)] = 0.05
    least_price: Annotated[float, Field(ge=0)] = 0.0
    most_price: float | None = None
    currencies: tuple[str, ...] = ()
    patterns: Mapping[str, re.Pattern[str]] = {}

    @pydantic.field_validator("required")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in ROW_FIELDS:
                raise ValueError(f"no field {name!r}; the fields are {', '.join(ROW_FIELDS)}")
        return names

    @pydantic.field_validator("patterns")
    @classmethod
    def _texts(cls, patterns: Mapping[str, re.Pattern[str]]) -> Mapping[str, re.Pattern[str]]:
        for name in patterns:
            if name not in _TEXTS:
                raise ValueError(f"no text field {name!r}; they are {', '.join(_TEXTS)}")
        return patterns

    def breach(self, row: SourceRow) -> tuple[str, str] | None:
        """The code and the words of what a row does not keep; None where it keeps all."""
        for name in self.required:
            if getattr(row, name) in ("", (), None):
                return f"no_{name}", f"{name} is missing"
        if row.price is not None:
            most = self.most_price
            if row.price < self.least_price or (most is not None and row.price > most):
                return "price_range", f"price {row.price:g} is out of range"
            if self.currencies and row.currency not in self.currencies:
                return "currency", f"currency {row.currency!r} is not expected"
        for name, pattern in self.patterns.items():
            value = getattr(row, name)
            if value and not pattern.fullmatch(value):
                return f"{name}_pattern", f"{name} {value[:80]!r} is not as the contract has it"
        return None
