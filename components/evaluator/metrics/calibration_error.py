"""Expected calibration error: how far scores are from the accuracy they claim."""

from dataclasses import dataclass, field

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import Row, RowCombiner, column, computation, is_right


class CalibrationError(metric_types.Metric):
    """`ece` over equal-width bins (Guo et al. 2017, eq. 3); 0 is perfect."""

    def __init__(self, bins: int = 15, name: str = "ece"):
        super().__init__(_computations, name=name, bins=bins)


metric_types.register_metric(CalibrationError)


def _computations(name: str, bins: int = 15) -> metric_types.MetricComputations:
    return computation(_Combiner(name, bins), ("category", "predicted", "score"))


@dataclass(slots=True)
class _Accumulator:
    n: int
    excess: np.ndarray = field(repr=False)  # by bin: sum of score minus number right

    def __iadd__(self, other: "_Accumulator") -> "_Accumulator":
        self.n += other.n
        self.excess = self.excess + other.excess
        return self


class _Combiner(RowCombiner):
    def __init__(self, name: str, bins: int):
        super().__init__([name])
        self._name = name
        self._bins = bins

    def create_accumulator(self) -> _Accumulator:
        return _Accumulator(0, np.zeros(self._bins))

    def add_input(self, accumulator: _Accumulator, row: Row) -> _Accumulator:
        score = column(row, "score")
        accumulator.n += 1
        accumulator.excess[min(int(score * self._bins), self._bins - 1)] += score - is_right(row)
        return accumulator

    def numbers(self, accumulator: _Accumulator) -> dict[str, float]:
        if not accumulator.n:
            return {self._name: float("nan")}
        return {self._name: np.abs(accumulator.excess).sum() / accumulator.n}
