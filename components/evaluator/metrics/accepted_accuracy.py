"""What the model decided on its own: how much of it is right, and how sure is that."""

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import Products, computations
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

    def numbers(products: Products) -> dict[str, float]:
        share = products.share(products.column("right"), asked=products.flag(decided) == 1)
        right, size = share.effective()
        nothing = float("nan")
        return {
            decided: share.n,
            name: share.value,
            f"{name}_lower": lower_bound(right, size, confidence) if size else nothing,
            f"{name}_upper": upper_bound(right, size, confidence) if size else nothing,
            f"{name}_effective": size,
        }

    names = [decided, name, f"{name}_lower", f"{name}_upper", f"{name}_effective"]
    return computations(names, numbers)
