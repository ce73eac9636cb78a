"""Figures for the gate, made by hand."""

import dataclasses

import numpy as np

from components.evaluator import gate
from components.evaluator.artifact import CategoryFigures, Metrics, Verdict
from components.evaluator.comparison import Judged, Outcomes, compare
from components.evaluator.settings import GateConfig
from shelfsort.contract.calibration import Calibration
from shelfsort.stats.binomial import lower_bound, upper_bound

N = 1000


def figures(right: int = 950, accepted: int = 800, accepted_right: int = 780) -> dict:
    """Figures of a split of 1,000 products; nothing is decided at 98 %."""
    return {
        "n": N,
        "accuracy": right / N,
        "accuracy_lower": lower_bound(right, N, 0.975),
        "accuracy_upper": upper_bound(right, N, 0.975),
        "coverage_at_95": accepted / N,
        "coverage_at_95_lower": lower_bound(accepted, N),
        "coverage_at_98": 0.0,
        "coverage_at_98_lower": 0.0,
        "accepted_95": accepted,
        "accepted_98": 0,
        "accepted_accuracy_95": accepted_right / accepted if accepted else None,
        "accepted_accuracy_95_lower": lower_bound(accepted_right, accepted) if accepted else None,
        "accepted_accuracy_95_upper": upper_bound(accepted_right, accepted) if accepted else None,
        "accepted_accuracy_98": None,
        "accepted_accuracy_98_lower": None,
        "accepted_accuracy_98_upper": None,
    }


def metrics(
    fitted: dict | None = None, both: int = N, by_modality: dict | None = None, **changes
) -> Metrics:
    """An evaluation's; `both` products have words and picture.

    `fitted` changes all thresholds, `by_modality` replaces those of a modality.
    """
    fitted_at = {"95": 0.6, "98": None}
    thresholds = {"n": 900, "overall": fitted_at, "by_category": {"mugs": fitted_at}}
    thresholds |= fitted or {}
    thresholds = {"n_effective": thresholds["n"], **thresholds}
    modalities = {
        "combined": {"eval": {**figures(), **changes}},
        "text": {"eval": {"n": both}},
        "image": {"eval": {"n": N}},
    }
    thresholds = dict.fromkeys(modalities, thresholds) | (by_modality or {})
    return Metrics(modalities, calibration=Calibration.from_json(thresholds))


def category(
    name: str, n: int = 100, right: int = 97, accepted: int = 90, kept: int = 88
) -> CategoryFigures:
    figures = {
        "n": n,
        "accuracy": right / n,
        "accuracy_effective": n,
        "accepted_95": accepted,
        "accepted_accuracy_95": kept / accepted if accepted else None,
        "accepted_accuracy_95_effective": accepted,
        "accepted_98": 0,
        "accepted_accuracy_98": None,
        "accepted_accuracy_98_effective": 0,
    }
    return CategoryFigures(name, name, "", figures)


CATEGORIES = [category("Kitchen > Mugs"), category("Kitchen > Bowls")]


def outcomes(right, accepted=None, labels=None) -> Judged:
    """The same answers on eval and on calibration; what is accepted scores 1, the rest 0."""
    right = np.asarray(right, dtype=bool)
    accepted = right if accepted is None else np.asarray(accepted, dtype=bool)
    split = Outcomes(
        product_ids=[str(index) for index in range(len(right))],
        categories=["mugs"] * len(right) if labels is None else labels,
        right=right,
        accepted=accepted,
        groups=np.arange(len(right)),
        scores=accepted.astype(float),
    )
    return Judged(split, split)


def failed(verdict: Verdict) -> dict[str, gate.Check]:
    return {check.name: check for check in verdict.checks if not check.passed}


def named(check: gate.Check, *categories: str) -> list[str]:
    """Those of the categories that the reason names, in its order."""
    found = [each for each in categories if each in check.reason]
    return sorted(found, key=check.reason.index)


def coverage_check(lost: int, low: float | None, high: float | None, **settings) -> gate.Check:
    """Of a model that decides `lost` fewer of 1,000 products, with this interval of redraws."""
    live = compare(outcomes(np.ones(1000), np.arange(1000) < 900 - lost), LIVE_DECIDING_900, "4")
    redrawn = dataclasses.replace(live.coverage, low=low, high=high)
    live = dataclasses.replace(live, coverage=redrawn)
    checks = gate.decide(metrics(), CATEGORIES, GateConfig(**settings), live).checks
    return next(check for check in checks if check.name == "live_coverage")


LIVE_DECIDING_900 = outcomes(np.ones(1000), np.arange(1000) < 900)
