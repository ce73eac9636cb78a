"""Decides whether a model may go live, and gives the reasons in sentences with numbers.

The gate fails closed: a missing figure fails its check. Minima apply to exact confidence bounds,
not to point estimates. A category fails only if its figure is significantly too low, Holm-corrected
over the categories.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from components.check import Check, failed
from components.evaluator.artifact import (
    CategoryFigures,
    Comparison,
    Figures,
    Metrics,
    UnloadableLive,
    Verdict,
)
from components.evaluator.live_checks import live_checks
from components.evaluator.outlook import needed, outlook
from components.evaluator.settings import GateConfig
from components.evaluator.wording import listed, missing, percent
from components.remedies import advised
from shelfsort.contract.figures import accepted_accuracy, coverage
from shelfsort.contract.targets import accepted, percent_of, target_key
from shelfsort.stats.binomial import holm, shortfall_p_value, smallest_proof


@dataclass(frozen=True, order=True)
class _Count:
    """A share of a category's `n` products, with an effective sample size of `effective`."""

    path: str
    category: str
    share: float
    n: int
    effective: float


def decide(
    metrics: Metrics,
    categories: Sequence[CategoryFigures],
    config: GateConfig,
    live: Comparison | UnloadableLive | None = None,
    anomalies: Sequence[str] | None = None,
    other_checks: Sequence[Check] = (),
) -> Verdict:
    """Runs every check and combines the results.

    Args:
        metrics: the figures.
        categories: the figures by category.
        config: minima and rules.
        live: the comparison with the live model; None if no model is live.
        anomalies: descriptions of the data's anomalies; None if the data was not validated.
        other_checks: results of the checks of the data and of the cost to serve the model.

    Returns:
        The verdict. `config.approved_by` overrides a refusal; the verdict then records the name
        and the overridden checks.
    """
    figures, targets = metrics.figures(), metrics.targets
    checks = [
        _accuracy(figures, config),
        *(_accepted_accuracy(figures, target, config) for target in targets),
        *(_coverage(figures, target, config) for target in targets),
        _any_coverage(metrics, config),
        _calibration_evidence(metrics, config),
        _category_accuracy(categories, config),
        *(_category_promise(categories, target, config) for target in targets),
        *live_checks(live, config),
    ]
    if anomalies is not None:
        checks.append(_anomalies(anomalies))
    checks = [advised(check) for check in (*checks, *other_checks)]
    passed = all(check.passed for check in checks)
    approved_by = None if passed else config.approved_by
    return Verdict(
        blessed=passed or approved_by is not None,
        checks=tuple(checks),
        live=live,
        approved_by=approved_by,
        outlook=tuple(outlook(metrics)),
        overridden=tuple(check.name for check in failed(checks)) if approved_by else (),
    )


def _accuracy(figures: Figures, config: GateConfig) -> Check:
    name, floor, n = "accuracy", config.accuracy, figures.get("n")
    lower, value = figures.get("accuracy_lower"), figures.get("accuracy")
    if not n or lower is None or value is None:
        return missing(name, "accuracy on eval", floor)
    reason = (
        f"Accuracy on {_products(figures, name, n)} is {percent(value)} (lower end of the 95 % "
        f"confidence interval: {percent(lower)}). {_minimum(floor)}"
    )
    return Check(name, passed=lower >= floor, reason=reason, value=lower, floor=floor, n=n)


def _accepted_accuracy(figures: Figures, target: float, config: GateConfig) -> Check:
    name, key = accepted_accuracy(target), percent_of(target)
    n = figures.get(accepted(target))
    worth = figures.get(f"{name}_effective") or n or 0
    floor = config.accepted_accuracy_floor(target, worth)
    if not figures.get("n") or n is None:
        return missing(name, f"the accuracy of predictions accepted at {key} %", floor)
    if n == 0:
        reason = f"No prediction is accepted at {key} %, so the accuracy guarantee is not violated."
        return Check(name, passed=True, reason=reason, floor=floor, n=0)
    value, lower, upper = (figures.get(f"{name}{bound}") for bound in ("", "_lower", "_upper"))
    if value is None or lower is None or upper is None:
        return missing(name, f"the accuracy of predictions accepted at {key} %", floor)
    violated = upper < target
    reason = (
        f"Of {_products(figures, name, n)} accepted at {key} %, {percent(value)} are right "
        f"(one-sided 95 % confidence bounds: {percent(lower)} and {percent(upper)}). "
        f"{_minimum(floor)}"
        f"{_of_size(target, n) if config.follows_from_size(target, worth) else ''}"
        f"{f' The accuracy guarantee of {key} % is violated.' if violated else ''}"
    )
    passed = lower >= floor and not violated
    return Check(name, passed=passed, reason=reason, value=lower, floor=floor, n=n)


def floors_of_size(metrics: Metrics, config: GateConfig) -> list[str]:
    """The floors that are lower because few products are accepted, a sentence each."""
    figures, said = metrics.figures(), []
    for target in metrics.targets:
        n = figures.get(accepted(target)) or 0
        worth = figures.get(f"{accepted_accuracy(target)}_effective") or n
        if n and config.follows_from_size(target, worth):
            floor = config.accepted_accuracy_floor(target, worth)
            said.append(
                f"minimum accuracy of products accepted at {percent_of(target)} %: "
                f"{percent(floor)}, as {n:,} are few"
            )
    return said


def _coverage(figures: Figures, target: float, config: GateConfig) -> Check:
    name, figure, key = f"coverage_{target_key(target)}", coverage(target), percent_of(target)
    floor, n = config.coverage_floor(target), figures.get("n")
    value, lower = figures.get(figure), figures.get(f"{figure}_lower")
    if not n or value is None or lower is None:
        return missing(name, f"coverage at {key} %", floor)
    reason = (
        f"Coverage at {key} % on {_products(figures, figure, n)} is {percent(value)} (lower 95 % "
        f"confidence bound: {percent(lower)}). {_minimum(floor)}"
    )
    return Check(name, passed=lower >= floor, reason=reason, value=lower, floor=floor, n=n)


def _any_coverage(metrics: Metrics, config: GateConfig) -> Check:
    """Holds back a model that leaves every product to a person."""
    figures, targets = metrics.figures(), metrics.targets
    name, n = "any_coverage", figures.get("n")
    coverages = [value for each in targets if (value := figures.get(coverage(each))) is not None]
    if not n or len(coverages) < len(targets):
        return missing(name, "coverage at every target", None)
    most = max(coverages)
    if most:
        reason = f"The model decides up to {percent(most)} of {n:,} eval products."
        return Check(name, passed=True, reason=reason, value=most, n=n)
    at = " or ".join(f"{percent_of(target)} %" for target in targets)
    reason = f"The model decides nothing yet. It accepts no prediction at {at}."
    curve = metrics.learning_curve
    short = curve and curve.shortfall(metrics.main_modality, targets[0])
    if curve and short:
        reason += f" {needed(curve, short)}"
    ignored = config.on_no_coverage == "ignore"
    if ignored:
        reason += " This is ignored, as configured."
    return Check(name, passed=ignored, reason=reason, value=most, n=n)


def _calibration_evidence(metrics: Metrics, config: GateConfig) -> Check:
    name, needed, lowest = "calibration_evidence", config.min_calibration, metrics.targets[0]
    if needed is None:
        needed = smallest_proof(lowest, config.confidence)
    calibration = metrics.calibration.modalities
    modalities = list(metrics.answered_by())
    if not modalities or any(each not in calibration for each in modalities):
        return missing(name, "the calibration products behind the thresholds", needed)
    fitted = {each: calibration[each] for each in modalities}
    main = fitted[modalities[0]]
    counts = ", ".join(
        f"{modality} {each.n:,}{_effective(each.n, each.n_effective)}"
        for modality, each in fitted.items()
    )
    said = [
        f"Calibration products by modality: {counts}.",
        f"At least {needed:,} are needed.",
    ]
    # A modality that is seldom used and accepts nothing does no harm with any number of products.
    thin = [
        modality
        for modality, each in fitted.items()
        if each.n_effective < needed and (each is main or each.accepts_any(lowest))
    ]
    accepts_nothing = not any(each.accepts_any(lowest) for each in fitted.values())
    if thin:
        said.append(f"There are too few for {', '.join(thin)}.")
        if config.min_calibration is None:
            said.append(
                f"A smaller number cannot certify {percent_of(lowest)} % even if all are right."
            )
    elif config.coverage_floor(lowest) > 0 and accepts_nothing:
        said.append(
            f"No threshold is certified at {percent_of(lowest)} %, so the model accepts nothing."
        )
    return Check(
        name,
        passed=not thin and not (config.coverage_floor(lowest) > 0 and accepts_nothing),
        reason=" ".join(said),
        value=main.n_effective,
        floor=needed,
        n=main.n,
    )


def _category_accuracy(categories: Sequence[CategoryFigures], config: GateConfig) -> Check:
    name, floor = "category_accuracy", config.category_accuracy
    counts = [count for each in categories if (count := _count(each, "n", "accuracy"))]
    if not counts:
        return missing(name, "any category", floor)
    if floor == 0:
        reason = "No minimum is set for the accuracy of a category."
        return Check(name, passed=True, reason=reason, floor=floor, n=0)
    return _every_category(name, "accuracy", counts, floor, config.confidence)


def _category_promise(
    categories: Sequence[CategoryFigures], target: float, config: GateConfig
) -> Check:
    name = f"category_promise_{target_key(target)}"
    counts = [
        count
        for each in categories
        if (count := _count(each, accepted(target), accepted_accuracy(target)))
    ]
    if not counts:
        reason = (
            f"No prediction is accepted at {percent_of(target)} %, so no category violates the "
            "accuracy guarantee."
        )
        return Check(name, passed=True, reason=reason, floor=target, n=0)
    figure = f"precision at {percent_of(target)} %"
    check = _every_category(name, figure, counts, target, config.confidence)
    if check.passed or config.on_broken_category == "refuse":
        return check
    reason = f"{check.reason} This is only reported, as configured."
    return dataclasses.replace(check, passed=True, reason=reason)


def _count(category: CategoryFigures, counted: str, share: str) -> _Count | None:
    n, value, effective = (
        category.figures[name] for name in (counted, share, f"{share}_effective")
    )
    return (
        _Count(category.path, category.category, value, n, effective)
        if n and value is not None
        else None
    )


def _every_category(
    name: str, figure: str, counts: Sequence[_Count], floor: float, confidence: float
) -> Check:
    tests = [
        shortfall_p_value(each.share * each.effective, each.effective, floor) for each in counts
    ]
    rejected = holm(tests, 1 - confidence)
    ranked = sorted(zip(tests, counts, rejected, strict=True), key=lambda each: each[:2])
    failing = [each for _, each, fails in ranked if fails]
    total = sum(each.n for each in counts)
    if not failing:
        reason = (
            f"No category's {figure} is significantly below {percent(floor)} "
            f"({len(counts):,} categories tested, Holm-corrected)."
        )
        return Check(name, passed=True, reason=reason, floor=floor, n=total)
    named = [
        f"{each.path} ({round(each.share * each.n):,} of {each.n:,}, {percent(each.share)})"
        for each in failing
    ]
    reason = (
        f"The {figure} is significantly below {percent(floor)} in {len(failing):,} of "
        f"{len(counts):,} categories (Holm-corrected): {listed(named)}."
    )
    worst = min(each.share for each in failing)
    return Check(
        name,
        passed=False,
        reason=reason,
        value=worst,
        floor=floor,
        n=total,
        categories=tuple(each.category for each in failing),
    )


def _anomalies(anomalies: Sequence[str]) -> Check:
    reason = "The data has no anomalies against the schema."
    if anomalies:
        reason = (
            f"The data has {len(anomalies):,} anomalies against the schema: {listed(anomalies)}."
        )
    return Check("anomalies", passed=not anomalies, reason=reason, value=len(anomalies), floor=0)


def _products(figures: Figures, figure: str, n: int) -> str:
    return f"{n:,} eval products{_effective(n, figures.get(f'{figure}_effective'))}"


def _effective(n: int, effective: float | None) -> str:
    # Variants of one product are less evidence than as many products, and the bounds say so.
    fewer = effective and effective < n - 0.5
    return f" (effective sample size {effective:,.0f})" if fewer else ""


def _of_size(target: float, n: int) -> str:
    return (
        f" It follows from the size: of {n:,} products, a model that is right in exactly "
        f"{percent_of(target)} % attains it in 19 of 20 samples."
    )


def _minimum(floor: float) -> str:
    return f"The minimum is {percent(floor)}." if floor else "No minimum is set."
