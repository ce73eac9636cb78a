"""Coverage: the share of products that the model decides on its own at a promised accuracy."""

from dataclasses import dataclass
from typing import Literal

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import RowCombiner, column, computation, share
from components.trainer.thresholds import lower_bound, target_key


class CoverageAtTarget(metric_types.Metric):
    """`coverage_at_<target>` and its exact one-sided lower bound, `…_lower`.

    Counts the served model's own flags, so the threshold is the one fitted on `calibration`,
    never one fitted on the products measured. At `level` "parent" the flag says that the parent
    shelf is sure, and the names begin with `parent_`.
    """

    def __init__(
        self,
        target: float,
        level: Literal["leaf", "parent"] = "leaf",
        confidence: float = 0.95,
        name: str = "",
    ):
        prefix = "parent_" if level == "parent" else ""
        name = name or f"{prefix}coverage_at_{target_key(target)}"
        super().__init__(
            _computations, name=name, target=target, level=level, confidence=confidence
        )


metric_types.register_metric(CoverageAtTarget)


def _computations(
    name: str, target: float, level: str = "leaf", confidence: float = 0.95
) -> metric_types.MetricComputations:
    prefix = "parent_" if level == "parent" else ""
    flag = f"{prefix}accepted_{target_key(target)}"
    return computation(_Combiner(name, flag, confidence), (flag,))


@dataclass(slots=True)
class _Accumulator:
    n: int = 0
    accepted: int = 0

    def __iadd__(self, other: "_Accumulator") -> "_Accumulator":
        self.n += other.n
        self.accepted += other.accepted
        return self


class _Combiner(RowCombiner):
    def __init__(self, name: str, flag: str, confidence: float):
        super().__init__([name, f"{name}_lower"])
        self._name = name
        self._flag = flag
        self._confidence = confidence

    def create_accumulator(self) -> _Accumulator:
        return _Accumulator()

    def add_input(
        self, accumulator: _Accumulator, row: metric_types.StandardMetricInputs
    ) -> _Accumulator:
        accumulator.n += 1
        accumulator.accepted += bool(column(row, self._flag))
        return accumulator

    def numbers(self, accumulator: _Accumulator) -> dict[str, float]:
        n, accepted = accumulator.n, accumulator.accepted
        return {
            self._name: share(accepted, n),
            f"{self._name}_lower": lower_bound(accepted, n, self._confidence),
        }
