"""Products accepted for a category though they belong to another."""

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.artifact import false_accepts
from components.evaluator.metrics.rows import Products, computations
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
    def numbers(products: Products) -> dict[str, float]:
        decided = products.flag(accepted(target)) == 1
        return {name: np.count_nonzero(decided & ~products.column("right"))}

    return computations([name], numbers)
