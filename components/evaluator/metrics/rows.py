"""What every metric here shares: reading a row's columns, and adding accumulators up."""

from collections.abc import Iterable, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types


class RowCombiner(beam.CombineFn):
    """Combines rows of scored products into named numbers.

    Subclasses give `create_accumulator` (an object with `+=`), `add_input` and `numbers`.
    """

    def __init__(self, names: Sequence[str]):
        self._keys = {name: metric_types.MetricKey(name=name) for name in names}

    @property
    def keys(self) -> list[metric_types.MetricKey]:
        return list(self._keys.values())

    def numbers(self, accumulator: Any) -> dict[str, float]:
        """The finished numbers by name; NaN where there is nothing to measure."""
        raise NotImplementedError

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        accumulators = iter(accumulators)
        merged = next(accumulators)
        for accumulator in accumulators:
            merged += accumulator
        return merged

    def extract_output(self, accumulator: Any) -> dict[metric_types.MetricKey, float]:
        return {self._keys[name]: float(value) for name, value in self.numbers(accumulator).items()}


def computation(
    combiner: RowCombiner, columns: Iterable[str]
) -> list[metric_types.MetricComputation]:
    """One computation that reads only `columns` of each row."""
    preprocessor = metric_types.FeaturePreprocessor(
        feature_keys=sorted(columns), include_default_inputs=False
    )
    return [
        metric_types.MetricComputation(
            keys=combiner.keys, preprocessors=[preprocessor], combiner=combiner
        )
    ]


def column(row: metric_types.StandardMetricInputs, name: str) -> Any:
    """The one value that `row` holds for `name`; text as str.

    Raises:
        KeyError: the row has no such column.
    """
    value = np.asarray(row["features"][name]).reshape(-1)[0]
    return value.decode() if isinstance(value, bytes) else value.item()


def share(part: float, whole: float) -> float:
    """`part / whole`; NaN for a share of nothing."""
    return part / whole if whole else float("nan")
