"""Macro-F1: every category counts alike, however few products it has."""

import math
from collections import Counter
from collections.abc import Mapping

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import Products, computations


class MacroF1(metric_types.Metric):
    """`macro_f1`: mean of F1 = 2 TP / (2 TP + FP + FN) over categories labelled or predicted."""

    def __init__(self, name: str = "macro_f1"):
        super().__init__(_computations, name=name)


metric_types.register_metric(MacroF1)


def _computations(name: str) -> metric_types.MetricComputations:
    def numbers(products: Products) -> dict[str, float]:
        return {name: _macro_f1(products.pairs)}

    return computations([name], numbers)


def _macro_f1(pairs: Mapping[tuple[bytes, bytes], int]) -> float:
    """Of how many products have a category and a predicted one; NaN for none."""
    labelled, predicted = Counter[bytes](), Counter[bytes]()
    for (label, answer), n in pairs.items():
        labelled[label] += n
        predicted[answer] += n
    categories = labelled.keys() | predicted.keys()
    if not categories:
        return float("nan")
    # labelled + predicted = (TP + FN) + (TP + FP)
    # Exact, and so the same in whatever order a runner merges the categories.
    total = math.fsum(
        2 * pairs.get((name, name), 0) / (labelled[name] + predicted[name]) for name in categories
    )
    return total / len(categories)
