"""Accuracy against the unknown true categories, from labels that may be wrong themselves."""

from collections import Counter

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.label_uncertainty import Stratum, expected_accuracy
from components.evaluator.metrics.rows import Products, computations
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
    names = [f"{name}_expected{part}" for part in _PARTS]
    names.append(f"{name.replace('accuracy', 'labels')}_expected")

    def numbers(products: Products) -> dict[str, float]:
        asked = ~np.isnan(products.column("confidence"))
        if target:
            asked &= products.flag(accepted(target)) == 1
        _, effective = products.share(products.column("right"), asked).effective()
        found = expected_accuracy(_strata(products, asked), confusable, effective)
        if found is None:
            return dict.fromkeys(names, float("nan"))
        values = (found.value, found.lower, found.upper, found.least, found.most, found.labels)
        return dict(zip(names, values, strict=True))

    return computations(names, numbers)


def _strata(products: Products, asked: np.ndarray) -> list[Stratum]:
    """The products asked about, by the evidence for their labels."""
    right, confidence, workers = (
        products.column(name)[asked].tolist() for name in ("right", "confidence", "workers")
    )
    evidence = [(round(each, 4), n) for each, n in zip(confidence, workers, strict=True)]
    n = Counter(evidence)
    agree = Counter(each for each, agrees in zip(evidence, right, strict=True) if agrees)
    return [Stratum(n[each], agree[each] / n[each], *each) for each in sorted(n)]
