"""What the model decided on its own: how much of it is right, and how sure is that."""

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import (
    Row,
    ShareCombiner,
    Votes,
    computation,
    flag,
    is_right,
)
from shelfsort.contract import figures
from shelfsort.contract.targets import accepted
from shelfsort.stats.binomial import lower_bound, upper_bound


class AcceptedAccuracy(metric_types.Metric):
    """`accepted_<target>` (a count), `accepted_accuracy_<target>`, `…_lower`, `…_upper`, and
    `…_effective`.

    Both bounds are exact and one-sided at `confidence` (Clopper & Pearson 1934): the lower is
    what the figure proves, the upper what it refutes; of as many products as `…_effective` says,
    since those that come in groups of variants count less. Share and bounds are NaN where nothing
    is accepted.
    """

    def __init__(self, target: float, confidence: float = 0.95, name: str = ""):
        name = name or figures.accepted_accuracy(target)
        super().__init__(_computations, name=name, target=target, confidence=confidence)


metric_types.register_metric(AcceptedAccuracy)


def _computations(
    name: str, target: float, confidence: float = 0.95
) -> metric_types.MetricComputations:
    decided = accepted(target)
    return computation(_Combiner(name, decided, confidence), ("category", "predicted", decided))


class _Combiner(ShareCombiner):
    def __init__(self, name: str, decided: str, confidence: float):
        super().__init__([decided, name, f"{name}_lower", f"{name}_upper", f"{name}_effective"])
        self._name = name
        self._decided = decided
        self._confidence = confidence

    def vote(self, row: Row) -> bool | None:
        return is_right(row) if flag(row, self._decided) else None

    def numbers(self, votes: Votes) -> dict[str, float]:
        right, size = votes.effective()
        nothing = float("nan")
        return {
            self._decided: votes.n,
            self._name: votes.share,
            f"{self._name}_lower": lower_bound(right, size, self._confidence) if size else nothing,
            f"{self._name}_upper": upper_bound(right, size, self._confidence) if size else nothing,
            f"{self._name}_effective": size,
        }
