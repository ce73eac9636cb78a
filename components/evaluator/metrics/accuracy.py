"""Share of products whose predicted category is right, with its exact two-sided interval."""

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import Row, ShareCombiner, Votes, computation, is_right
from shelfsort.stats.binomial import interval


class Accuracy(metric_types.Metric):
    """`n`, `accuracy`, `…_lower`, `…_upper` and `…_effective`; everything decided, sure or not.

    The interval is exact and two-sided at `confidence` (Clopper & Pearson 1934), of as many
    products as `accuracy_effective` says: those that come in groups of variants count less.
    """

    def __init__(self, confidence: float = 0.95, name: str = "accuracy"):
        super().__init__(_computations, name=name, confidence=confidence)


metric_types.register_metric(Accuracy)


def _computations(name: str, confidence: float = 0.95) -> metric_types.MetricComputations:
    return computation(_Combiner(name, confidence), ("category", "predicted"))


class _Combiner(ShareCombiner):
    def __init__(self, name: str, confidence: float):
        super().__init__(["n", name, f"{name}_lower", f"{name}_upper", f"{name}_effective"])
        self._name = name
        self._confidence = confidence

    def vote(self, row: Row) -> bool:
        return is_right(row)

    def numbers(self, votes: Votes) -> dict[str, float]:
        right, size = votes.effective()
        lower, upper = interval(right, size, self._confidence)
        return {
            "n": votes.n,
            self._name: votes.share,
            f"{self._name}_lower": lower,
            f"{self._name}_upper": upper,
            f"{self._name}_effective": size,
        }
