"""Products accepted for a category though they belong to another."""

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.artifact import false_accepts
from components.evaluator.metrics.rows import (
    Row,
    ShareCombiner,
    Votes,
    computation,
    flag,
    is_right,
)
from shelfsort.contract.targets import accepted


class FalseAccepts(metric_types.Metric):
    """`false_accepts_<target>`: how many accepted products belong elsewhere.

    In a slice by `predicted` these are the products wrongly accepted for that category. Its
    false-accept *rate* divides by all products of other categories, which that slice does not
    hold: `summary` computes the rate from the slices that do.
    """

    def __init__(self, target: float, name: str = ""):
        name = name or false_accepts(target)
        super().__init__(_computations, name=name, target=target)


metric_types.register_metric(FalseAccepts)


def _computations(name: str, target: float) -> metric_types.MetricComputations:
    decided = accepted(target)
    return computation(_Combiner(name, decided), ("category", "predicted", decided))


class _Combiner(ShareCombiner):
    def __init__(self, name: str, decided: str):
        super().__init__([name])
        self._name = name
        self._decided = decided

    def vote(self, row: Row) -> bool | None:
        return not is_right(row) if flag(row, self._decided) else None

    def numbers(self, votes: Votes) -> dict[str, float]:
        return {self._name: votes.n_yes}
