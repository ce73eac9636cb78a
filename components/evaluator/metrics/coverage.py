"""Coverage: the share of products whose prediction is accepted at a target accuracy."""

from typing import Literal

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import Row, ShareCombiner, Votes, computation, flag
from shelfsort.contract import figures
from shelfsort.contract.targets import accepted, parent_accepted
from shelfsort.stats.binomial import lower_bound


class CoverageAtTarget(metric_types.Metric):
    """`coverage_at_<target>`, its exact one-sided lower bound, `…_lower`, and `…_effective`.

    Counts the served model's own flags, so the threshold is the one fitted on `calibration`,
    never one fitted on the products measured. At `level` "parent" the flag says that the
    parent category is accepted, and the names begin with `parent_`.
    """

    def __init__(
        self,
        target: float,
        level: Literal["leaf", "parent"] = "leaf",
        confidence: float = 0.95,
        name: str = "",
    ):
        figure = figures.parent_coverage if level == "parent" else figures.coverage
        name = name or figure(target)
        super().__init__(
            _computations, name=name, target=target, level=level, confidence=confidence
        )


metric_types.register_metric(CoverageAtTarget)


def _computations(
    name: str, target: float, level: str = "leaf", confidence: float = 0.95
) -> metric_types.MetricComputations:
    decided = (parent_accepted if level == "parent" else accepted)(target)
    return computation(_Combiner(name, decided, confidence), (decided,))


class _Combiner(ShareCombiner):
    def __init__(self, name: str, decided: str, confidence: float):
        super().__init__([name, f"{name}_lower", f"{name}_effective"])
        self._name = name
        self._decided = decided
        self._confidence = confidence

    def vote(self, row: Row) -> bool | None:
        return flag(row, self._decided)

    def numbers(self, votes: Votes) -> dict[str, float]:
        n_accepted, size = votes.effective()
        nothing = float("nan")
        bound = lower_bound(n_accepted, size, self._confidence) if votes.n else nothing
        return {
            self._name: votes.share,
            f"{self._name}_lower": bound,
            f"{self._name}_effective": size,
        }
