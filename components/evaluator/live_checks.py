"""The gate's checks against the live model, from the comparison of the two models."""

import dataclasses

from components.check import Check
from components.evaluator.artifact import Comparison, Outcome, UnloadableLive
from components.evaluator.settings import GateConfig
from components.evaluator.wording import listed, missing, percent
from shelfsort.contract.targets import percent_of
from shelfsort.stats.binomial import holm
from shelfsort.stats.bootstrap import DRAWS


def live_checks(live: Comparison | UnloadableLive | None, config: GateConfig) -> list[Check]:
    """Checks that the new model is no worse than the live one; no checks if none is live."""
    if live is None:
        return []
    if isinstance(live, UnloadableLive):
        ignored = config.on_unloadable_live == "ignore"
        then = (
            "This is ignored, as configured."
            if ignored
            else "The new model is refused, because it may be worse."
        )
        reason = f"Live version {live.version} cannot be compared: {live.problem}. {then}"
        return [Check("live_loadable", passed=ignored, reason=reason)]
    return [
        _shared_categories(live),
        _accuracy_not_worse(live, config),
        _coverage_not_worse(live, config),
        _no_category_worse(live, config),
    ]


def _shared_categories(live: Comparison) -> Check:
    name, n = "live_taxonomy", live.accuracy.n
    if live.shared_categories is None:
        reason = (
            f"Live version {live.version} has the same categories. {n:,} products were compared."
        )
    else:
        reason = (
            f"Live version {live.version} has a different taxonomy. The comparison uses the "
            f"{n:,} products of {live.shared_categories:,} shared categories and leaves out "
            f"{live.left_out:,} products."
        )
    if not n:
        reason = f"{reason} No products are left to compare."
    return Check(name, passed=n > 0, reason=reason, n=n)


def _accuracy_not_worse(live: Comparison, config: GateConfig) -> Check:
    return _not_worse(
        "live_accuracy",
        ("Accuracy", "right"),
        live.accuracy,
        config.max_accuracy_loss,
        live.version,
        config.confidence,
    )


def _coverage_not_worse(live: Comparison, config: GateConfig) -> Check:
    name, pair, most = "live_coverage", live.coverage, config.max_coverage_loss_by_chance
    if live.target is None:
        # The person who chose other targets wanted other decisions.
        reason = (
            f"Coverage is not compared, because live version {live.version} has no target in "
            "common with the new model."
        )
        return Check(name, passed=True, reason=reason, floor=-config.max_coverage_loss, n=0)
    fitted = _not_worse(
        name,
        (f"Coverage at {percent_of(live.target)} %", "accepted"),
        pair,
        config.max_coverage_loss,
        live.version,
        config.confidence,
    )
    if pair.low is None or pair.high is None:
        return fitted
    # Both models are scored on the same eval products, but their thresholds were fitted on
    # different calibration samples. A paired test ignores that sampling error, so a live model with
    # a fortunate threshold would block every successor.
    excused = pair.high >= 0 and pair.change >= -most
    reason = (
        f"{fitted.reason} With the calibration products bootstrapped {DRAWS} times, the change in "
        f"coverage lies between {100 * pair.low:+.1f} and {100 * pair.high:+.1f} points."
    )
    if pair.high >= 0 and not fitted.passed:
        reason += (
            f" It may be sampling error of the thresholds, which excuses a loss of up to "
            f"{100 * most:.1f} points."
        )
    return dataclasses.replace(fitted, passed=fitted.passed or excused, reason=reason)


def _not_worse(
    name: str,
    words: tuple[str, str],
    pair: Outcome,
    allowed: float,
    version: str,
    confidence: float,
) -> Check:
    """`words`: the figure, and what a product is that counts for it."""
    if not pair.n:
        return missing(name, "the products that both models know", -allowed)
    figure, counted = words
    worse = pair.change < -allowed and pair.p_worse < 1 - confidence
    reason = (
        f"{figure} on the same {pair.n:,} eval products is {percent(pair.candidate)} for the new "
        f"model and {percent(pair.live)} for live version {version}. {pair.only_candidate:,} "
        f"products are {counted} with the new model only and {pair.only_live:,} with the live one "
        f"only (exact one-sided paired test: p = {pair.p_worse:.3g}). A loss of up to "
        f"{100 * allowed:.1f} points is allowed."
    )
    return Check(name, passed=not worse, reason=reason, value=pair.change, floor=-allowed, n=pair.n)


def _no_category_worse(live: Comparison, config: GateConfig) -> Check:
    name, names = "live_categories", list(live.by_category)
    pairs = [live.by_category[category] for category in names]
    rejected = holm([pair.p_worse for pair in pairs], 1 - config.confidence)
    worse = [each for each, fails in zip(names, rejected, strict=True) if fails]
    total = sum(pair.n for pair in pairs)
    if not worse:
        reason = (
            f"The new model is not significantly worse than live version {live.version} in any "
            f"of {len(names):,} categories (Holm-corrected)."
        )
        return Check(name, passed=True, reason=reason, n=total)
    named = [
        f"{each} (accuracy {percent(pair.candidate)}, live {percent(pair.live)}, n = {pair.n:,})"
        for each in worse
        for pair in (live.by_category[each],)
    ]
    reason = (
        f"The new model is significantly worse than live version {live.version} in "
        f"{len(worse):,} of {len(names):,} categories (Holm-corrected): {listed(named)}."
    )
    loss = min(live.by_category[each].change for each in worse)
    return Check(
        name,
        passed=False,
        reason=reason,
        value=loss,
        floor=0.0,
        n=total,
        categories=tuple(worse),
    )
