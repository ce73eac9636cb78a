"""Products the model put on a shelf on its own though they belong elsewhere."""

from dataclasses import dataclass

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import RowCombiner, column, computation
from components.trainer.thresholds import target_key


class FalseAccepts(metric_types.Metric):
    """`false_accepts_<target>`: how many accepted products belong elsewhere.

    In a slice by `predicted` these are the strangers let onto that shelf. The false-accept *rate*
    into a shelf divides by all products of other shelves, which that slice does not hold:
    `summary.py` takes them from the slices that do.
    """

    def __init__(self, target: float, name: str = ""):
        name = name or f"false_accepts_{target_key(target)}"
        super().__init__(_computations, name=name, target=target)


metric_types.register_metric(FalseAccepts)


def _computations(name: str, target: float) -> metric_types.MetricComputations:
    flag = f"accepted_{target_key(target)}"
    return computation(_Combiner(name, flag), ("category", "predicted", flag))


@dataclass(slots=True)
class _Accumulator:
    strangers: int = 0

    def __iadd__(self, other: "_Accumulator") -> "_Accumulator":
        self.strangers += other.strangers
        return self


class _Combiner(RowCombiner):
    def __init__(self, name: str, flag: str):
        super().__init__([name])
        self._name = name
        self._flag = flag

    def create_accumulator(self) -> _Accumulator:
        return _Accumulator()

    def add_input(
        self, accumulator: _Accumulator, row: metric_types.StandardMetricInputs
    ) -> _Accumulator:
        wrong = column(row, "category") != column(row, "predicted")
        accumulator.strangers += bool(column(row, self._flag)) and wrong
        return accumulator

    def numbers(self, accumulator: _Accumulator) -> dict[str, float]:
        return {self._name: accumulator.strangers}
