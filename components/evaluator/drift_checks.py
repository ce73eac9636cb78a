"""The gate's questions about drift: sentences with numbers, from what DriftCheck found."""

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
from components.evaluator.gate_config import GateConfig
from components.evaluator.wording import NAMED

_NAME = "drift"


def drift_checks(
    findings: DriftFindings | None, config: GateConfig, path: Callable[[str], str]
) -> list[Check]:
    """Has the data moved away from what the live model was trained on?

    Args:
        findings: DriftCheck's; None where it did not run: then nothing is asked.
        config: says whether a live model without statistics refuses the new one.
        path: names a category by its id; raises KeyError for one that is not in the taxonomy.
    """
    if findings is None:
        return []
    skewed = [_skew(findings.skew)] if findings.skew is not None else []
    return [_against_live(findings, config, path), *skewed]


def _against_live(findings: DriftFindings, config: GateConfig, path: Callable[[str], str]) -> Check:
    if findings.problem:
        ignored = config.on_missing_statistics == "ignore"
        then = "ignored, as configured" if ignored else "so nothing shows that the data is the same"
        reason = (
            f"Drift against the live model {findings.live_version} cannot be told: "
            f"{findings.problem}; {then}."
        )
        return Check(_NAME, ignored, reason)
    if findings.drift is None:
        return Check(_NAME, True, "No model is live yet that the data could drift away from.")
    return _drift(findings.drift, findings.live_version, path)


def _drift(drift: Drift, version: str, path: Callable[[str], str]) -> Check:
    drifted = [shift for shift in drift.shifts if shift.drifted]
    changed = drift.categories.drifted
    against = (
        f"{drift.n_now:,} distinct training products against the {drift.n_before:,} of the live "
        f"model {version}"
    )
    sentences = [
        _shifts(drift.shifts, drifted, against),
        _categories(drift.categories, path),
        _unlike(drift.categories, path),
    ]
    return Check(
        _NAME, not drifted and not changed, " ".join(filter(None, sentences)), n=drift.n_now
    )


def _skew(skew: Skew) -> Check:
    name = "serving_skew"
    unreadable = f" {skew.unreadable:,} records were unreadable." if skew.unreadable else ""
    if not skew.n_served:
        reason = f"The serving logs hold no product.{unreadable} Nothing shown, nothing passed."
        return Check(name, False, reason, n=0)
    drifted = [shift for shift in skew.shifts if shift.drifted]
    against = (
        f"{skew.n_served:,} distinct products in the serving logs against {skew.n_trained:,} "
        "trained on"
    )
    reason = _shifts(skew.shifts, drifted, against) + unreadable
    return Check(name, not drifted, reason, n=skew.n_served)


def _shifts(compared: list[Shift], drifted: list[Shift], against: str) -> str:
    what = f"{against}: of {len(compared)} properties"
    if drifted:
        named = "; ".join(map(_distance, drifted))
        return f"{what} {len(drifted)} drifted (Jensen-Shannon divergence in bits): {named}."
    nearest = f", nearest to it {_distance(compared[0])}" if compared else ""
    return f"{what} none drifted{nearest}."


def _distance(shift: Shift) -> str:
    return f"{shift.feature} {shift.distance:.3f}, {shift.threshold:.3f} allowed"


def _categories(changes: CategoryChanges, path: Callable[[str], str]) -> str:
    if changes.max_ratio is None:
        return ""
    factor, total = f"{changes.max_ratio:g}-fold", len(changes.compared)
    if not changes.drifted:
        return f"No share of {total:,} categories changed more than {factor} beyond chance."
    named = "; ".join(_change(each, path) for each in changes.drifted[:NAMED])
    more = len(changes.drifted) - NAMED
    return (
        f"In {len(changes.drifted):,} of {total:,} categories the share changed more than {factor} "
        f"beyond chance: {named}{f'; and {more:,} more' if more > 0 else ''}."
    )


def _change(change: ShareChange, path: Callable[[str], str]) -> str:
    return (
        f"{path(change.category)} {100 * change.share_before:.2f} % to "
        f"{100 * change.share_now:.2f} % ({change.before:,} to {change.now:,} products)"
    )


def _unlike(changes: CategoryChanges, path: Callable[[str], str]) -> str:
    said = []
    if changes.new:
        named = ", ".join(map(path, changes.new[:NAMED]))
        said.append(f"New and so not compared: {_listed(len(changes.new), named)}.")
    if changes.removed:
        # The taxonomy has no name for them any more.
        named = ", ".join(changes.removed[:NAMED])
        said.append(f"Removed from the taxonomy: {_listed(len(changes.removed), named)}.")
    return " ".join(said)


def _listed(count: int, named: str) -> str:
    return f"{named} and {count - NAMED:,} more" if count > NAMED else named
