"""Accuracy against the unknown true categories, from labels that may be wrong themselves."""

import math
from collections import Counter
from dataclasses import dataclass, field

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.label_uncertainty import Stratum, expected_accuracy
from components.evaluator.metrics.rows import (
    Row,
    RowCombiner,
    Votes,
    column,
    computation,
    flag,
    is_right,
)
from shelfsort.contract import figures
from shelfsort.contract.targets import accepted

_PARTS = ("", "_lower", "_upper", "_least", "_most")


class ExpectedAccuracy(metric_types.Metric):
    """`accuracy_expected`, its 95 % interval `…_lower` and `…_upper`, the bounds `…_least` and
    `…_most` that need no assumption, and `labels_expected`, the share of labels that are right.

    With a `target` it is asked of the products accepted there only, and the names begin with
    `accepted_accuracy_<target>_expected` and `accepted_labels_<target>_expected`. Products without
    a label confidence are left out. See `label_uncertainty` for estimator and source.
    """

    def __init__(self, confusable: float, target: float | None = None, name: str = ""):
        """`confusable`: how many categories a wrong answer of a worker may name, at least 1."""
        name = name or (figures.accepted_accuracy(target) if target else "accuracy")
        super().__init__(_computations, name=name, confusable=confusable, target=target)


metric_types.register_metric(ExpectedAccuracy)


def _computations(
    name: str, confusable: float, target: float | None = None
) -> metric_types.MetricComputations:
    decided = accepted(target) if target else None
    columns = ["category", "predicted", "label_confidence", "worker_count", "group"]
    return computation(_Combiner(name, confusable, decided), columns + [decided] * bool(decided))


@dataclass(slots=True)
class _Accumulator:
    votes: Votes = field(default_factory=Votes)
    n: Counter[tuple[float, int]] = field(default_factory=Counter)
    agree: Counter[tuple[float, int]] = field(default_factory=Counter)

    def __iadd__(self, other: "_Accumulator") -> "_Accumulator":
        self.votes += other.votes
        self.n.update(other.n)
        self.agree.update(other.agree)
        return self

    def strata(self) -> list[Stratum]:
        return [
            Stratum(n, self.agree[evidence] / n, *evidence)
            for evidence, n in sorted(self.n.items())
        ]


class _Combiner(RowCombiner):
    def __init__(self, name: str, confusable: float, decided: str | None):
        self._names = [f"{name}_expected{part}" for part in _PARTS]
        self._names.append(f"{name.replace('accuracy', 'labels')}_expected")
        super().__init__(self._names)
        self._confusable = confusable
        self._decided = decided

    def create_accumulator(self) -> _Accumulator:
        return _Accumulator()

    def add_input(self, accumulator: _Accumulator, row: Row) -> _Accumulator:
        confidence = column(row, "label_confidence")
        if math.isnan(confidence) or (self._decided and not flag(row, self._decided)):
            return accumulator
        agree = is_right(row)
        evidence = (round(confidence, 4), column(row, "worker_count"))
        accumulator.votes.add(agree, column(row, "group"))
        accumulator.n[evidence] += 1
        accumulator.agree[evidence] += agree
        return accumulator

    def numbers(self, accumulator: _Accumulator) -> dict[str, float]:
        _, effective = accumulator.votes.effective()
        found = expected_accuracy(accumulator.strata(), self._confusable, effective)
        if found is None:
            return dict.fromkeys(self._names, float("nan"))
        values = (found.value, found.lower, found.upper, found.least, found.most, found.labels)
        return dict(zip(self._names, values, strict=True))
