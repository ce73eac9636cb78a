"""What every metric here shares: reading a row's columns, adding accumulators up, and shares."""

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from shelfsort.stats.design_effect import effective_size

Row = Mapping[str, Mapping[str, Any]]
"""A scored product: what `Columns` hands on."""

_COLUMNS = "features"


class RowCombiner(beam.CombineFn, ABC):
    """Combines rows of scored products into named numbers.

    Subclasses give `create_accumulator` (an object with `+=`), `add_input` and `numbers`.
    """

    own_columns: tuple[str, ...] = ()  # read by the class itself, whatever the metric asks for

    def __init__(self, names: Sequence[str]):
        self._keys = {name: metric_types.MetricKey(name=name) for name in names}

    @property
    def keys(self) -> list[metric_types.MetricKey]:
        return list(self._keys.values())

    @abstractmethod
    def numbers(self, accumulator: Any) -> dict[str, float]:
        """The finished numbers by name; NaN where there is nothing to measure."""

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        accumulators = iter(accumulators)
        merged = next(accumulators)
        for accumulator in accumulators:
            merged += accumulator
        return merged

    def extract_output(self, accumulator: Any) -> dict[metric_types.MetricKey, float]:
        return {self._keys[name]: float(value) for name, value in self.numbers(accumulator).items()}


@dataclass(slots=True)
class Votes:
    """Yes or no of every product asked, and its group, in nine bytes a product."""

    yes: array = field(default_factory=lambda: array("b"))
    groups: array = field(default_factory=lambda: array("q"))

    def add(self, yes: bool, group: int) -> None:
        self.yes.append(yes)
        self.groups.append(group)

    def __iadd__(self, other: "Votes") -> "Votes":
        self.yes.extend(other.yes)
        self.groups.extend(other.groups)
        return self

    @property
    def n(self) -> int:
        return len(self.yes)

    @property
    def n_yes(self) -> int:
        return sum(self.yes)

    @property
    def share(self) -> float:
        """0 to 1; NaN for a share of nothing."""
        return self.n_yes / self.n if self.n else float("nan")

    def effective(self) -> tuple[float, float]:
        """`n_yes` and `n` of as many independent products as these are worth: `design_effect`."""
        size = effective_size(np.asarray(self.yes, bool), np.asarray(self.groups))
        return (self.share * size if size else 0.0), size


class ShareCombiner(RowCombiner):
    """Counts the products of which something is true.

    Subclasses give `vote` and `numbers`, which is handed `Votes`.
    """

    own_columns = ("group",)

    @abstractmethod
    def vote(self, row: Row) -> bool | None:
        """Whether it is true of a row; None where the question does not arise."""

    def create_accumulator(self) -> Votes:
        return Votes()

    def add_input(self, accumulator: Votes, row: Row) -> Votes:
        yes = self.vote(row)
        if yes is not None:
            accumulator.add(yes, column(row, "group"))
        return accumulator


class Columns(metric_types.Preprocessor):
    """Hands on some columns of a row.

    TFMA's own preprocessors do the same, but for every row it merges those of all metrics.
    """

    def __init__(self, names: Sequence[str]):
        super().__init__(name=" ".join(names))
        self._names = tuple(names)

    def process(self, extracts: Row) -> Iterator[Row]:
        """Yields the row with its columns, as TFMA lays them out."""
        found = extracts[_COLUMNS]
        yield {_COLUMNS: {name: found[name] for name in self._names}}


def computation(
    combiner: RowCombiner, columns: Iterable[str]
) -> list[metric_types.MetricComputation]:
    """One computation that reads only `columns`, and the combiner's own, of each row."""
    read = Columns(sorted({*columns, *combiner.own_columns}))
    return [
        metric_types.MetricComputation(keys=combiner.keys, preprocessors=[read], combiner=combiner)
    ]


def column(row: Row, name: str) -> Any:
    """The one value that `row` holds for `name`; text as str.

    Raises:
        KeyError: the row has no such column.
    """
    value = np.asarray(row[_COLUMNS][name]).reshape(-1)[0]
    return value.decode() if isinstance(value, bytes) else value.item()


def flag(row: Row, name: str) -> bool | None:
    """The column of a yes or no; None where the model does not say, having no such target."""
    value = column(row, name)
    return None if value < 0 else bool(value)


def is_right(row: Row) -> bool:
    """Whether the predicted category is the labelled one."""
    return column(row, "category") == column(row, "predicted")
