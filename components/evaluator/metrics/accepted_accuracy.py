"""What the model decided on its own: how much of it is right, and how sure is that."""

from dataclasses import dataclass

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import RowCombiner, column, computation, share
from components.trainer.thresholds import lower_bound, target_key, upper_bound


class AcceptedAccuracy(metric_types.Metric):
    """`accepted_<target>` (a count), `accepted_accuracy_<target>`, and its `_lower` and `_upper`.

    Both bounds are exact and one-sided at `confidence` (Clopper & Pearson 1934): the lower is
    what the figure proves, the upper what it refutes. All but the count are NaN where nothing is
    accepted.
    """

    def __init__(self, target: float, confidence: float = 0.95, name: str = ""):
        name = name or f"accepted_accuracy_{target_key(target)}"
        super().__init__(_computations, name=name, target=target, confidence=confidence)


metric_types.register_metric(AcceptedAccuracy)


def _computations(
    name: str, target: float, confidence: float = 0.95
) -> metric_types.MetricComputations:
    flag = f"accepted_{target_key(target)}"
    return computation(_Combiner(name, flag, confidence), ("category", "predicted", flag))


@dataclass(slots=True)
class _Accumulator:
    accepted: int = 0
    right: int = 0

    def __iadd__(self, other: "_Accumulator") -> "_Accumulator":
        self.accepted += other.accepted
        self.right += other.right
        return self


class _Combiner(RowCombiner):
    def __init__(self, name: str, flag: str, confidence: float):
        super().__init__([flag, name, f"{name}_lower", f"{name}_upper"])
        self._name = name
        self._flag = flag
        self._confidence = confidence

    def create_accumulator(self) -> _Accumulator:
        return _Accumulator()

    def add_input(
        self, accumulator: _Accumulator, row: metric_types.StandardMetricInputs
    ) -> _Accumulator:
        if column(row, self._flag):
            accumulator.accepted += 1
            accumulator.right += column(row, "category") == column(row, "predicted")
        return accumulator

    def numbers(self, accumulator: _Accumulator) -> dict[str, float]:
        accepted, right = accumulator.accepted, accumulator.right
        nothing = float("nan")
        return {
            self._flag: accepted,
            self._name: share(right, accepted),
            f"{self._name}_lower": (
                lower_bound(right, accepted, self._confidence) if accepted else nothing
            ),
            f"{self._name}_upper": (
                upper_bound(right, accepted, self._confidence) if accepted else nothing
            ),
        }
