"""The gate's checks of drift and skew, from the findings of DriftCheck."""

from collections.abc import Callable

from components.check import Check
from components.drift_check.artifact import (
    CategoryChanges,
    Drift,
    DriftFindings,
    ShareChange,
    Shift,
    Skew,
)
from components.evaluator.settings import GateConfig
from components.evaluator.wording import listed

_NAME = "drift"


def drift_checks(
    findings: DriftFindings | None, config: GateConfig, path: Callable[[str], str]
) -> list[Check]:
    """Checks that the data has not drifted from the training data of the live model.

    Args:
        findings: the findings of DriftCheck; None if it did not run, which gives no checks.
        config: says whether a live model without statistics refuses the new one.
        path: returns a category's path by its id; raises KeyError for an unknown category.
    """
    if findings is None:
        return []
    skewed = [_skew(findings.skew)] if findings.skew is not None else []
    return [_against_live(findings, config, path), *skewed]


def _against_live(findings: DriftFindings, config: GateConfig, path: Callable[[str], str]) -> Check:
    if findings.problem:
        ignored = config.on_missing_statistics == "ignore"
        then = (
            "This is ignored, as configured."
            if ignored
            else "The new model is refused, because its data may have drifted."
        )
        reason = (
            f"Drift from live version {findings.live_version} cannot be measured: "
            f"{findings.problem}. {then}"
        )
        return Check(_NAME, passed=ignored, reason=reason)
    if findings.drift is None:
        reason = "No model is live, so there is no earlier data to compare with."
        return Check(_NAME, passed=True, reason=reason)
    return _drift(findings.drift, findings.live_version, path)


def _drift(drift: Drift, version: str, path: Callable[[str], str]) -> Check:
    drifted = [shift for shift in drift.shifts if shift.drifted]
    sentences = [
        f"{drift.n_now:,} distinct training products were compared with {drift.n_before:,} of "
        f"live version {version}.",
        _shifts(drift.shifts, drifted),
        _categories(drift.categories, path),
        *_not_compared(drift.categories, path),
    ]
    return Check(
        _NAME,
        passed=not drifted and not drift.categories.drifted,
        reason=" ".join(filter(None, sentences)),
        n=drift.n_now,
    )


def _skew(skew: Skew) -> Check:
    name = "serving_skew"
    unreadable = [f"{skew.unreadable:,} records were unreadable."] if skew.unreadable else []
    if not skew.n_served:
        said = ["The serving logs contain no product, so the check fails.", *unreadable]
        return Check(name, passed=False, reason=" ".join(said), n=0)
    drifted = [shift for shift in skew.shifts if shift.drifted]
    said = [
        f"{skew.n_served:,} distinct products in the serving logs were compared with "
        f"{skew.n_trained:,} training products.",
        _shifts(skew.shifts, drifted),
        *unreadable,
    ]
    return Check(name, passed=not drifted, reason=" ".join(said), n=skew.n_served)


def _shifts(compared: list[Shift], drifted: list[Shift]) -> str:
    if drifted:
        named = "; ".join(map(_distance, drifted))
        return (
            f"{len(drifted)} of {len(compared)} properties drifted (Jensen-Shannon divergence in "
            f"bits): {named}."
        )
    nearest = f" The closest to its limit is {_distance(compared[0])}." if compared else ""
    return f"None of {len(compared)} properties drifted.{nearest}"


def _distance(shift: Shift) -> str:
    return f"{shift.feature} {shift.distance:.3f} (limit {shift.threshold:.3f})"


def _categories(changes: CategoryChanges, path: Callable[[str], str]) -> str:
    if changes.max_ratio is None:
        return ""
    factor, total = f"a factor of {changes.max_ratio:g}", len(changes.compared)
    if not changes.drifted:
        return f"No share of {total:,} categories changed significantly by more than {factor}."
    named = listed([_change(each, path) for each in changes.drifted])
    return (
        f"The share of {len(changes.drifted):,} of {total:,} categories changed significantly by "
        f"more than {factor}: {named}."
    )


def _change(change: ShareChange, path: Callable[[str], str]) -> str:
    return (
        f"{path(change.category)} from {100 * change.share_before:.2f} % to "
        f"{100 * change.share_now:.2f} % ({change.before:,} to {change.now:,} products)"
    )


def _not_compared(changes: CategoryChanges, path: Callable[[str], str]) -> list[str]:
    said = []
    if changes.new:
        said.append(f"New categories, not compared: {listed(list(map(path, changes.new)))}.")
    if changes.removed:
        # The taxonomy no longer has a name for these, so their ids stand in.
        said.append(f"Categories removed from the taxonomy: {listed(changes.removed)}.")
    return said
