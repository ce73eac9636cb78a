"""Coverage: the share of products whose prediction is accepted at a target accuracy."""

from typing import Literal

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import Products, computations
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

    def numbers(products: Products) -> dict[str, float]:
        flags = products.flag(decided)
        share = products.share(flags == 1, asked=flags >= 0)
        n_accepted, size = share.effective()
        bound = lower_bound(n_accepted, size, confidence) if share.n else float("nan")
        return {name: share.value, f"{name}_lower": bound, f"{name}_effective": size}

    return computations([name, f"{name}_lower", f"{name}_effective"], numbers)
