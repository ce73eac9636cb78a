"""Share of products put on the right shelf, with its exact two-sided interval."""

from dataclasses import dataclass

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import RowCombiner, column, computation, share
from components.trainer.thresholds import lower_bound, upper_bound


class Accuracy(metric_types.Metric):
    """`n`, `accuracy`, `accuracy_lower`, `accuracy_upper`; everything decided, sure or not.

    The interval is Clopper & Pearson's (1934), two-sided at `confidence`.
    """

    def __init__(self, confidence: float = 0.95, name: str = "accuracy"):
        super().__init__(_computations, name=name, confidence=confidence)


metric_types.register_metric(Accuracy)


def _computations(name: str, confidence: float = 0.95) -> metric_types.MetricComputations:
    return computation(_Combiner(name, confidence), ("category", "predicted"))


@dataclass(slots=True)
class _Accumulator:
    n: int = 0
    right: int = 0

    def __iadd__(self, other: "_Accumulator") -> "_Accumulator":
        self.n += other.n
        self.right += other.right
        return self


class _Combiner(RowCombiner):
    def __init__(self, name: str, confidence: float):
        super().__init__(["n", name, f"{name}_lower", f"{name}_upper"])
        self._name = name
        self._each_side = 1 - (1 - confidence) / 2

    def create_accumulator(self) -> _Accumulator:
        return _Accumulator()

    def add_input(
        self, accumulator: _Accumulator, row: metric_types.StandardMetricInputs
    ) -> _Accumulator:
        accumulator.n += 1
        accumulator.right += column(row, "category") == column(row, "predicted")
        return accumulator

    def numbers(self, accumulator: _Accumulator) -> dict[str, float]:
        n, right = accumulator.n, accumulator.right
        return {
            "n": n,
            self._name: share(right, n),
            f"{self._name}_lower": lower_bound(right, n, self._each_side),
            f"{self._name}_upper": upper_bound(right, n, self._each_side),
        }
