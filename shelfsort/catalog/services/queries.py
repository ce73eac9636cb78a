"""The queries that together give everything a service holds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Annotated

import pydantic
from pydantic import Field

Query = tuple[tuple[str, str], ...]
"""Parameters and values that tell a query from the others."""


def as_text(value: object) -> object:
    """A number as the text that it is written as, since YAML reads `40` as a number."""
    return str(value) if type(value) in (int, float) else value


class Axis(pydantic.BaseModel):
    """A parameter whose values divide what a service holds.

    Attributes:
        parameter: Of the query.
        values: Each of them is asked for.
        leaves: Takes the ids of the leaves of the service's own category tree as values.
        as_category: Whether a value is a category of the products that it leads to.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    parameter: Annotated[str, Field(min_length=1, max_length=200)]
    values: tuple[str, ...] = ()
    leaves: bool = False
    as_category: bool = False

    @pydantic.field_validator("values", mode="before")
    @classmethod
    def _texts(cls, values: object) -> object:
        return [as_text(v) for v in values] if isinstance(values, list) else values

    @pydantic.model_validator(mode="after")
    def _some(self) -> "Axis":
        if self.leaves == bool(self.values):
            raise ValueError("name its values, or set leaves: true")
        if len(set(self.values)) < len(self.values):
            raise ValueError("a value is given twice")
        return self


@dataclass(frozen=True)
class Plan:
    """All queries: one for each combination of `each`, divided by `split` where that is needed.

    Attributes:
        each: axes that every query has a value of.
        split: axes that divide a query with too many rows, in this order.
    """

    each: Sequence[Axis]
    split: Sequence[Axis]

    @classmethod
    def of(
        cls, each: Iterable[Axis], split: Iterable[Axis], leaves: Callable[[], Sequence[str]]
    ) -> "Plan":
        """The plan of settings; `leaves` reads the category tree, where an axis needs it."""

        def filled(axis: Axis) -> Axis:
            if not axis.leaves:
                return axis
            return axis.model_copy(update={"values": tuple(leaves()), "leaves": False})

        return cls([filled(axis) for axis in each], [filled(axis) for axis in split])

    @cached_property
    def whole(self) -> list[Query]:
        """The queries before any is divided."""
        names = [axis.parameter for axis in self.each]
        return [
            tuple(zip(names, values, strict=True))
            for values in product(*(axis.values for axis in self.each))
        ]

    def deeper(self, query: Query) -> Query | None:
        """The first part of a query, None where no axis is left to divide it."""
        level = len(query) - len(self.each)
        if level >= len(self.split):
            return None
        axis = self.split[level]
        return (*query, (axis.parameter, axis.values[0]))

    def after(self, query: Query) -> tuple[Query | None, int]:
        """The query after one, None after the last, and how many divided queries end with it.

        Raises:
            LookupError: the plan has no such query.
        """
        ended = 0
        while len(query) > len(self.each):
            axis = self.split[len(query) - len(self.each) - 1]
            if query[-1][0] != axis.parameter or query[-1][1] not in axis.values:
                raise LookupError(query)
            at = axis.values.index(query[-1][1]) + 1
            if at < len(axis.values):
                return (*query[:-1], (axis.parameter, axis.values[at])), ended
            query, ended = query[:-1], ended + 1
        at = self._places[query] + 1
        return (self.whole[at] if at < len(self.whole) else None), ended

    @cached_property
    def _places(self) -> dict[Query, int]:
        return {query: number for number, query in enumerate(self.whole)}

    def categories(self, query: Query) -> tuple[str, ...]:
        """The categories that a query says its products have."""
        named = {axis.parameter for axis in (*self.each, *self.split) if axis.as_category}
        return tuple(value for name, value in query if name in named)


def shown(query: Query) -> str:
    """A query for people, "" for the only one."""
    return ", ".join(f"{name}={value}" for name, value in query)
