"""What every metric here stands on: the scored products of a slice, gathered once for all metrics.

A product is packed into bytes once, and each slice that it belongs to keeps a copy. TFMA gives each
slice's products to the metrics, which compute over arrays.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from shelfsort.stats.design_effect import effective_size

Row = Mapping[str, Mapping[str, Any]]
"""A scored product, as TFMA lays it out: arrays of one value, by column, under `features`."""

Packed = tuple[tuple[str, ...], bytes, tuple[bytes, bytes]]
"""A product: its flags, its facts and flags in bytes, its category and the predicted one."""

_COLUMNS = "features"
_FLAGS = ("accepted_", "parent_accepted_")
_FACTS = [
    ("group", np.int64),
    ("score", np.float64),
    ("confidence", np.float64),
    ("workers", np.int32),
    ("right", np.bool_),
    ("parent_right", np.bool_),
]


@dataclass(slots=True)
class Products:
    """Products of one slice.

    Attributes:
        flags: names of the columns that say what is accepted.
        packed: of each product the facts above and the flags, one after the other.
        pairs: how many have a category and a predicted one.
    """

    flags: tuple[str, ...] = ()
    packed: bytearray = field(default_factory=bytearray)
    pairs: Counter[tuple[bytes, bytes]] = field(default_factory=Counter)

    def __iadd__(self, other: "Products") -> "Products":
        self.flags = self.flags or other.flags
        self.packed += other.packed
        self.pairs.update(other.pairs)
        return self

    def column(self, name: str) -> np.ndarray:
        """(N,) values of a fact, in the order of gathering."""
        return np.frombuffer(self.packed, _row_type(self.flags))[name]

    def flag(self, name: str) -> np.ndarray:
        """(N,) 1 for yes and 0 for no; -1 where the model does not say, having no such target.

        Raises:
            KeyError: there are products, without such a column.
        """
        if not self.packed:
            return np.empty(0, np.int8)
        if name not in self.flags:
            raise KeyError(name)
        return self.column(name)

    def share(self, yes: np.ndarray, asked: np.ndarray | None = None) -> "Share":
        """How many of the products are a yes.

        Args:
            yes: (N,) bools.
            asked: (N,) bools; None for all.
        """
        groups = self.column("group")
        return Share(yes, groups) if asked is None else Share(yes[asked], groups[asked])


@dataclass(frozen=True)
class Share:
    """Yes or no of n products, and their groups of variants."""

    yes: np.ndarray
    groups: np.ndarray

    @property
    def n(self) -> int:
        return len(self.yes)

    @property
    def n_yes(self) -> int:
        return int(self.yes.sum())

    @property
    def value(self) -> float:
        """0 to 1; NaN for a share of nothing."""
        return self.n_yes / self.n if self.n else float("nan")

    def effective(self) -> tuple[float, float]:
        """`n_yes` and `n` of as many independent products as these are worth: `design_effect`."""
        size = effective_size(self.yes, self.groups)
        return (self.value * size if size else 0.0), size


class _Pack(metric_types.Preprocessor):
    """Packs each product once, whatever slices it belongs to."""

    def process(self, extracts: Row) -> Iterator[Packed]:
        """Yields the product."""
        columns = extracts[_COLUMNS]
        flags = tuple(
            sorted(
                name
                for name, value in columns.items()
                # A feature that is sliced by is text, whatever its name.
                if name.startswith(_FLAGS) and value.dtype.kind == "i"
            )
        )
        label, predicted = _value(columns, "category"), _value(columns, "predicted")
        facts = (
            _value(columns, "group"),
            _value(columns, "score"),
            _value(columns, "label_confidence"),
            _value(columns, "worker_count"),
            label == predicted,
            _value(columns, "parent") == _value(columns, "predicted_parent"),
            *(_value(columns, name) for name in flags),
        )
        yield flags, np.array([facts], _row_type(flags)).tobytes(), (label, predicted)


class GatherProducts(beam.CombineFn):
    """Gathers the products of a slice."""

    def create_accumulator(self) -> Products:
        return Products()

    def add_input(self, accumulator: Products, product: Packed) -> Products:
        accumulator.flags, packed, pair = product
        accumulator.packed += packed
        accumulator.pairs[pair] += 1
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Products]) -> Products:
        accumulators = iter(accumulators)
        merged = next(accumulators)
        for accumulator in accumulators:
            merged += accumulator
        return merged

    def extract_output(self, accumulator: Products) -> dict[metric_types.MetricKey, Products]:
        return {PRODUCTS: accumulator}


PRODUCTS = metric_types.MetricKey(name="_products")
"""Names the products of a slice; TFMA keeps names that begin so out of its results."""


def computations(
    names: Iterable[str], numbers: Callable[[Products], Mapping[str, float]]
) -> metric_types.MetricComputations:
    """What TFMA has to compute for a metric. It gathers the products once for all metrics.

    Args:
        names: of the metric's numbers.
        numbers: from the products of a slice to all of them; NaN where there is nothing to
            measure.
    """
    keys = {name: metric_types.MetricKey(name=name) for name in names}

    def result(
        metrics: Mapping[metric_types.MetricKey, Any],
    ) -> dict[metric_types.MetricKey, float]:
        return {keys[name]: float(value) for name, value in numbers(metrics[PRODUCTS]).items()}

    return [
        metric_types.MetricComputation([PRODUCTS], [_Pack(name="pack")], GatherProducts()),
        metric_types.DerivedMetricComputation(list(keys.values()), result),
    ]


def _row_type(flags: tuple[str, ...]) -> np.dtype:
    return np.dtype([*_FACTS, *((name, np.int8) for name in flags)])


def _value(columns: Mapping[str, Any], name: str) -> Any:
    """The one value of a column. Raises KeyError if there is no such column."""
    return columns[name].item()
