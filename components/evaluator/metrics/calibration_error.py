"""Expected calibration error: how far scores are from the accuracy they claim."""

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import Products, computations


class CalibrationError(metric_types.Metric):
    """`ece` over equal-width bins (Guo et al. 2017, eq. 3); 0 is perfect."""

    def __init__(self, bins: int = 15, name: str = "ece"):
        super().__init__(_computations, name=name, bins=bins)


metric_types.register_metric(CalibrationError)


def _computations(name: str, bins: int = 15) -> metric_types.MetricComputations:
    def numbers(products: Products) -> dict[str, float]:
        right, scores = products.column("right"), products.column("score")
        if not len(scores):
            return {name: float("nan")}
        # In an order of their own, so that the sums are the same however a runner merges.
        order = np.lexsort((right, scores))
        right, scores = right[order], scores[order]
        places = np.minimum((scores * bins).astype(int), bins - 1)
        excess = np.bincount(places, weights=scores - right, minlength=bins)
        return {name: np.abs(excess).sum() / len(scores)}

    return computations([name], numbers)
