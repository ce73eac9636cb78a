"""Macro-F1: every category counts alike, however few products it has."""

import math
from collections import Counter
from dataclasses import dataclass, field

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import Row, RowCombiner, column, computation


class MacroF1(metric_types.Metric):
    """`macro_f1`: mean of F1 = 2 TP / (2 TP + FP + FN) over categories labelled or predicted."""

    def __init__(self, name: str = "macro_f1"):
        super().__init__(_computations, name=name)


metric_types.register_metric(MacroF1)


def _computations(name: str) -> metric_types.MetricComputations:
    return computation(_Combiner(name), ("category", "predicted"))


@dataclass(slots=True)
class _Accumulator:
    labelled: Counter[str] = field(default_factory=Counter)
    predicted: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: "_Accumulator") -> "_Accumulator":
        self.labelled.update(other.labelled)
        self.predicted.update(other.predicted)
        self.right.update(other.right)
        return self


class _Combiner(RowCombiner):
    def __init__(self, name: str):
        super().__init__([name])
        self._name = name

    def create_accumulator(self) -> _Accumulator:
        return _Accumulator()

    def add_input(self, accumulator: _Accumulator, row: Row) -> _Accumulator:
        label, predicted = column(row, "category"), column(row, "predicted")
        accumulator.labelled[label] += 1
        accumulator.predicted[predicted] += 1
        if label == predicted:
            accumulator.right[label] += 1
        return accumulator

    def numbers(self, accumulator: _Accumulator) -> dict[str, float]:
        categories = accumulator.labelled.keys() | accumulator.predicted.keys()
        if not categories:
            return {self._name: float("nan")}
        # labelled + predicted = (TP + FN) + (TP + FP)
        # Exact, and so the same in whatever order a runner merges the categories.
        total = math.fsum(
            2 * accumulator.right[name] / (accumulator.labelled[name] + accumulator.predicted[name])
            for name in categories
        )
        return {self._name: total / len(categories)}
