"""The gate's questions about the live model: sentences with numbers, from the comparison."""

import dataclasses
from dataclasses import dataclass

from components.check import Check
from components.evaluator.comparison import Comparison, Paired
from components.evaluator.gate_config import GateConfig
from components.evaluator.wording import NAMED, missing, percent
from shelfsort.stats.binomial import holm
from shelfsort.stats.bootstrap import DRAWS


@dataclass(frozen=True)
class UnloadableLive:
    """There is a live model, and it cannot be compared with: why."""

    version: str
    problem: str


def live_checks(live: Comparison | UnloadableLive | None, config: GateConfig) -> list[Check]:
    """Is the new model no worse than the live one? None are asked where none is live."""
    if live is None:
        return []
    if isinstance(live, UnloadableLive):
        ignored = config.on_unloadable_live == "ignore"
        then = "ignored, as configured" if ignored else "so nothing shows that this one is no worse"
        reason = f"The live model {live.version} cannot be compared with: {live.problem}; {then}."
        return [Check("live_loadable", ignored, reason)]
    return [
        _shared_categories(live),
        _not_worse(
            "live_accuracy", "is right on", live.accuracy, config.max_accuracy_loss, live, config
        ),
        _decides_no_less(live, config),
        _no_category_worse(live, config),
    ]


def _shared_categories(live: Comparison) -> Check:
    name, n = "live_taxonomy", live.accuracy.n
    if live.shared_categories is None:
        reason = f"The live model {live.version} has the same categories; {n:,} products compared."
    else:
        reason = (
            f"The live model {live.version} has another taxonomy: compared on the {n:,} products "
            f"of {live.shared_categories:,} shared categories, {live.left_out:,} left out."
        )
    if not n:
        return Check(name, False, f"{reason} Nothing is left to compare.", n=0)
    return Check(name, True, reason, n=n)


def _not_worse(
    name: str, verb: str, pair: Paired, allowed: float, live: Comparison, config: GateConfig
) -> Check:
    if not pair.n:
        return missing(name, "products that both models know", -allowed)
    worse = pair.change < -allowed and pair.p_worse < 1 - config.confidence
    reason = (
        f"The new model {verb} {percent(pair.candidate)} of {pair.n:,} products, the live model "
        f"{live.version} {percent(pair.live)} of the same: {pair.only_candidate:,} only by the "
        f"new, {pair.only_live:,} only by the live one (exact paired test for worse: "
        f"p = {pair.p_worse:.3g}; a loss of {percent(allowed)} is allowed)."
    )
    return Check(name, not worse, reason, pair.change, -allowed, pair.n)


def _decides_no_less(live: Comparison, config: GateConfig) -> Check:
    pair, most = live.coverage, config.max_coverage_loss_by_chance
    shipped = _not_worse("live_coverage", "decides", pair, config.max_coverage_loss, live, config)
    if pair.low is None or pair.high is None:
        return shipped
    # The models share their eval products but not the luck of their thresholds, which a test of
    # those products takes for a difference: a lucky live model would block all after it.
    lucky = pair.high >= 0 and pair.change >= -most
    excused = f": their fit may be why, which excuses a loss of up to {percent(most)}"
    then = excused if pair.high >= 0 and not shipped.passed else ""
    reason = (
        f"{shipped.reason} The thresholds drawn anew {DRAWS} times, the change lies between "
        f"{100 * pair.low:+.1f} and {100 * pair.high:+.1f} points{then}."
    )
    return dataclasses.replace(shipped, passed=shipped.passed or lucky, reason=reason)


def _no_category_worse(live: Comparison, config: GateConfig) -> Check:
    name = "live_categories"
    names = list(live.by_category)
    pairs = [live.by_category[category] for category in names]
    fallen = holm([pair.p_worse for pair in pairs], 1 - config.confidence)
    worse = [each for each, falls in zip(names, fallen, strict=True) if falls]
    total = sum(pair.n for pair in pairs)
    if not worse:
        reason = (
            f"In none of {len(names):,} categories is it worse than the live model {live.version}"
            " beyond chance."
        )
        return Check(name, True, reason, n=total)
    named = "; ".join(
        f"{each}: {percent(pair.candidate)} right, live {percent(pair.live)}, n = {pair.n:,}"
        for each in worse[:NAMED]
        for pair in (live.by_category[each],)
    )
    more = f"; and {len(worse) - NAMED:,} more" if len(worse) > NAMED else ""
    reason = (
        f"Worse than the live model {live.version} in {len(worse):,} of {len(names):,} "
        f"categories: {named}{more}."
    )
    loss = min(live.by_category[each].change for each in worse)
    return Check(name, False, reason, loss, 0.0, total)
