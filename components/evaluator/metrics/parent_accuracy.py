"""Share of products whose parent shelf is right, whatever the leaf."""

from dataclasses import dataclass

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import RowCombiner, column, computation, share


class ParentAccuracy(metric_types.Metric):
    """`parent_accuracy`: the predicted leaf's parent is the labelled leaf's parent."""

    def __init__(self, name: str = "parent_accuracy"):
        super().__init__(_computations, name=name)


metric_types.register_metric(ParentAccuracy)


def _computations(name: str) -> metric_types.MetricComputations:
    return computation(_Combiner(name), ("parent", "predicted_parent"))


@dataclass(slots=True)
class _Accumulator:
    n: int = 0
    right: int = 0

    def __iadd__(self, other: "_Accumulator") -> "_Accumulator":
        self.n += other.n
        self.right += other.right
        return self


class _Combiner(RowCombiner):
    def __init__(self, name: str):
        super().__init__([name])
        self._name = name

    def create_accumulator(self) -> _Accumulator:
        return _Accumulator()

    def add_input(
        self, accumulator: _Accumulator, row: metric_types.StandardMetricInputs
    ) -> _Accumulator:
        accumulator.n += 1
        accumulator.right += column(row, "parent") == column(row, "predicted_parent")
        return accumulator

    def numbers(self, accumulator: _Accumulator) -> dict[str, float]:
        return {self._name: share(accumulator.right, accumulator.n)}
