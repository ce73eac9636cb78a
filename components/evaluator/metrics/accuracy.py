"""Share of products whose predicted category is right, with its exact two-sided interval."""

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import Products, computations
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
    def numbers(products: Products) -> dict[str, float]:
        share = products.share(products.column("right"))
        right, size = share.effective()
        lower, upper = interval(right, size, confidence)
        return {
            "n": share.n,
            name: share.value,
            f"{name}_lower": lower,
            f"{name}_upper": upper,
            f"{name}_effective": size,
        }

    names = ["n", name, f"{name}_lower", f"{name}_upper", f"{name}_effective"]
    return computations(names, numbers)
