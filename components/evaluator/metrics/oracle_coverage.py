"""The optimistic coverage: threshold chosen on the very products it is measured on."""

import numpy as np
from numpy.typing import ArrayLike
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import Products, computations
from shelfsort.contract import figures


class OracleCoverage(metric_types.Metric):
    """`coverage_at_<target>_oracle`: how coverage is usually published, for comparison only.

    The most that could be accepted, best scores first, with `target` of the accepted right: a
    threshold nobody could have known beforehand.
    """

    def __init__(self, target: float, name: str = ""):
        name = name or f"{figures.coverage(target)}_oracle"
        super().__init__(_computations, name=name, target=target)


metric_types.register_metric(OracleCoverage)


def oracle_coverage(scores: ArrayLike, correct: ArrayLike, target: float) -> float:
    """Largest share, best scores first, of which at least `target` is right.

    Products of equal score are accepted together; accepting nothing (0.0) is always possible.

    Args:
        scores: float array of shape (N,).
        correct: bool array of shape (N,).
        target: accuracy asked of the accepted, in (0, 1).

    Returns:
        0 to 1; NaN for no products.
    """
    scores, correct = np.asarray(scores, dtype=np.float64), np.asarray(correct, dtype=bool)
    if len(scores) == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    ranks = np.arange(1, len(ranked) + 1)
    ends_tie = np.append(ranked[1:] != ranked[:-1], True)
    good = ends_tie & (np.cumsum(correct[order]) >= target * ranks - 1e-9)
    return float(ranks[good].max(initial=0) / len(ranked))


def _computations(name: str, target: float) -> metric_types.MetricComputations:
    def numbers(products: Products) -> dict[str, float]:
        found = oracle_coverage(products.column("score"), products.column("right"), target)
        return {name: found}

    return computations([name], numbers)
