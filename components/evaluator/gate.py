"""Decides whether a model may go live, and says why in sentences with numbers.

Fails closed: a number that is missing fails its check. Floors are held against exact bounds, not
against point estimates; what a category did is held against it only where chance cannot explain
it, Holm-corrected over categories.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from components.check import Check
from components.evaluator.comparison import Comparison
from components.evaluator.figures import accepted_accuracy, coverage
from components.evaluator.gate_config import GateConfig
from components.evaluator.live_checks import UnloadableLive, live_checks
from components.evaluator.summary import answered_by
from components.evaluator.wording import NAMED, missing, percent
from shelfsort.contract.targets import ANSWER_TARGET, TARGETS, accepted, target_key
from shelfsort.stats.binomial import holm, shortfall_p_value, smallest_proof

_SERVED = "combined"


@dataclass(frozen=True)
class Verdict:
    """Whether the model may go live.

    Attributes:
        blessed: every check passed, or a named person approved it all the same.
        checks: all of them, passed or not.
        live: what it was compared with, if anything.
        approved_by: who approved; None where no approval was needed.
    """

    blessed: bool
    checks: tuple[Check, ...]
    live: Comparison | UnloadableLive | None
    approved_by: str | None

    def to_dict(self) -> dict:
        """verdict.json: plain values."""
        live = None
        if isinstance(self.live, UnloadableLive):
            live = {"version": self.live.version, "comparison": None, "problem": self.live.problem}
        elif self.live is not None:
            live = {"version": self.live.version, "comparison": self.live.to_dict()}
        return {
            "blessed": self.blessed,
            "checks": [asdict(check) for check in self.checks],
            "live": live,
            "approved_by": self.approved_by,
            "overridden": [
                check.name for check in self.checks if self.approved_by and not check.passed
            ],
        }


@dataclass(frozen=True, order=True)
class _Count:
    """A share of a category's `n` products, worth `effective` independent ones."""

    path: str
    share: float
    n: int
    effective: float


def decide(
    metrics: Mapping,
    categories: Sequence[Mapping],
    config: GateConfig,
    live: Comparison | UnloadableLive | None = None,
    anomalies: Sequence[str] | None = None,
    data_checks: Sequence[Check] = (),
) -> Verdict:
    """Asks every question and adds the answers up.

    Args:
        metrics: contents of metrics.json.
        categories: contents of categories.json.
        config: floors and rules.
        live: the comparison with the live model; None where none is live.
        anomalies: of the data, one description each; None where nobody looked.
        data_checks: answers about the data that were found elsewhere.

    Returns:
        The verdict. `config.approved_by` overrides a refusal and is recorded in it, with the names
        of the checks overridden.
    """
    figures = metrics.get(_SERVED, {}).get("eval", {})
    checks = [
        _accuracy(figures, config),
        *(_accepted_accuracy(figures, target, config) for target in TARGETS),
        *(_coverage(figures, target, config) for target in TARGETS),
        _calibration_evidence(metrics, config),
        _category_accuracy(categories, config),
        *(_category_promise(categories, target, config) for target in TARGETS),
        *live_checks(live, config),
    ]
    if anomalies is not None:
        checks.append(_anomalies(anomalies))
    checks += data_checks
    passed = all(check.passed for check in checks)
    approved_by = None if passed else config.approved_by
    return Verdict(passed or approved_by is not None, tuple(checks), live, approved_by)


def _accuracy(figures: Mapping, config: GateConfig) -> Check:
    name, floor, n = "accuracy", config.accuracy, figures.get("n")
    lower, value = figures.get("accuracy_lower"), figures.get("accuracy")
    if not n or lower is None or value is None:
        return missing(name, "accuracy on eval", floor)
    reason = (
        f"Accuracy on {_products(figures, name, n)} is {percent(value)}, at least "
        f"{percent(lower)} by its 95 % interval; the floor is {percent(floor)}."
    )
    return Check(name, lower >= floor, reason, lower, floor, n)


def _accepted_accuracy(figures: Mapping, target: float, config: GateConfig) -> Check:
    name, key = accepted_accuracy(target), f"{100 * target:g}"
    floor, n = getattr(config, name), figures.get(accepted(target))
    if not figures.get("n") or n is None:
        return missing(name, f"accepted accuracy at {key} %", floor)
    if n == 0:
        reason = f"At {key} % the model decides nothing on its own, so it breaks no promise."
        return Check(name, True, reason, None, floor, 0)
    value, lower, upper = (figures.get(f"{name}{bound}") for bound in ("", "_lower", "_upper"))
    if value is None or lower is None or upper is None:
        return missing(name, f"accepted accuracy at {key} %", floor)
    broken = upper < target
    reason = (
        f"Of {_products(figures, name, n)} decided at {key} %, {percent(value)} are right, "
        f"at least {percent(lower)} and at most {percent(upper)} with 95 % confidence each; the "
        f"floor is {percent(floor)}{f', and the promise of {key} % is broken' if broken else ''}."
    )
    return Check(name, lower >= floor and not broken, reason, lower, floor, n)


def _coverage(figures: Mapping, target: float, config: GateConfig) -> Check:
    name, figure, key = f"coverage_{target_key(target)}", coverage(target), f"{100 * target:g}"
    floor, n = getattr(config, name), figures.get("n")
    value, lower = figures.get(figure), figures.get(f"{figure}_lower")
    if not n or value is None or lower is None:
        return missing(name, f"coverage at {key} %", floor)
    reason = (
        f"At {key} % the model decides {percent(value)} of "
        f"{_products(figures, figure, n)} on its own, at least {percent(lower)} with 95 % "
        f"confidence; {_asked(floor)}."
    )
    return Check(name, lower >= floor, reason, lower, floor, n)


def _calibration_evidence(metrics: Mapping, config: GateConfig) -> Check:
    name, needed = "calibration_evidence", config.min_calibration
    if needed is None:
        needed = smallest_proof(ANSWER_TARGET, config.confidence)
    heads = list(answered_by(metrics))
    fitted = {head: metrics.get("thresholds", {}).get(head, {}) for head in heads}
    asked = {"n", "n_effective", "by_category"}
    if not heads or any(asked - each.keys() for each in fitted.values()):
        return missing(name, "the calibration products behind the thresholds", needed)
    n, worth = (fitted[heads[0]][name] for name in ("n", "n_effective"))
    counts = ", ".join(f"{_fitted_on(each)} ({head})" for head, each in fitted.items())
    reason = f"Thresholds were fitted on {counts} calibration products; {needed:,} are needed"
    # A head that seldom answers and always abstains does no harm, however little it has seen.
    thin = [
        head
        for head in heads
        if fitted[head]["n_effective"] < needed
        and (head == heads[0] or _ever_decides(fitted[head]))
    ]
    if thin:
        reason += f": fewer cannot prove 95 % even if all are right ({', '.join(thin)})."
        return Check(name, False, reason, worth, needed, n)
    if config.coverage_95 > 0 and not any(map(_ever_decides, fitted.values())):
        reason += ". They proved nothing at 95 %, so the model never decides on its own."
        return Check(name, False, reason, worth, needed, n)
    return Check(name, True, f"{reason}.", worth, needed, n)


def _fitted_on(fitted: Mapping) -> str:
    return f"{fitted['n']:,}{_worth(fitted['n'], fitted['n_effective'])}"


def _ever_decides(fitted: Mapping) -> bool:
    return any(
        each.get(target_key(ANSWER_TARGET)) is not None for each in fitted["by_category"].values()
    )


def _category_accuracy(categories: Sequence[Mapping], config: GateConfig) -> Check:
    floor = config.category_accuracy
    counts = [
        _Count(each["path"], each["accuracy"], each["n"], each["accuracy_effective"])
        for each in categories
        if each["n"] and each["accuracy"] is not None
    ]
    return _every_category(
        "category_accuracy", "of its products are recognised", counts, floor, config.confidence
    )


def _category_promise(categories: Sequence[Mapping], target: float, config: GateConfig) -> Check:
    key = target_key(target)
    suffix = "" if target == ANSWER_TARGET else f"_{key}"
    counts = []
    for each in categories:
        n, value = each[f"accepted{suffix}"], each[f"accepted_accuracy_{key}"]
        if n and value is not None:
            counts.append(_Count(each["path"], value, n, each[f"accepted_effective_{key}"]))
    check = _every_category(
        f"category_promise_{key}",
        f"of what is put there at {100 * target:g} % belongs there",
        counts,
        target,
        config.confidence,
        empty_is_fine=True,
    )
    if check.passed or config.on_broken_category == "refuse":
        return check
    reason = f"{check.reason} Reported only, as configured."
    return dataclasses.replace(check, passed=True, reason=reason)


def _every_category(
    name: str,
    what: str,
    counts: Sequence[_Count],
    floor: float,
    confidence: float,
    empty_is_fine: bool = False,
) -> Check:
    if not counts and not empty_is_fine:
        return missing(name, "any category's figures", floor)
    if not counts:
        return Check(
            name,
            True,
            "Nothing is put anywhere, so no category breaks its promise.",
            None,
            floor,
            0,
        )
    if floor == 0:
        return Check(name, True, "No floor is set for the categories.", None, floor, 0)
    tests = [
        shortfall_p_value(each.share * each.effective, each.effective, floor) for each in counts
    ]
    fallen = holm(tests, 1 - confidence)
    ranked = sorted(zip(tests, counts, fallen, strict=True), key=lambda each: each[:2])
    failing = [each for _, each, falls in ranked if falls]
    total = sum(each.n for each in counts)
    if not failing:
        reason = (
            f"In none of {len(counts):,} categories is it refuted that {percent(floor)} {what}."
        )
        return Check(name, True, reason, None, floor, total)
    named = "; ".join(
        f"{each.path}: {round(each.share * each.n):,} of {each.n:,} ({percent(each.share)})"
        for each in failing
    )
    if len(failing) > NAMED:
        named = "; ".join(named.split("; ")[:NAMED]) + f"; and {len(failing) - NAMED:,} more"
    reason = (
        f"In {len(failing):,} of {len(counts):,} categories too little {what}, "
        f"with {percent(floor)} asked for: {named}."
    )
    worst = min(each.share for each in failing)
    return Check(name, False, reason, worst, floor, total)


def _anomalies(anomalies: Sequence[str]) -> Check:
    if not anomalies:
        return Check("anomalies", True, "The data has no anomalies against the schema.", 0, 0)
    named = "; ".join(anomalies[:NAMED])
    reason = f"The data has {len(anomalies):,} anomalies against the schema: {named}."
    return Check("anomalies", False, reason, len(anomalies), 0)


def _products(figures: Mapping, figure: str, n: int) -> str:
    return f"{n:,} eval products{_worth(n, figures.get(f'{figure}_effective'))}"


def _worth(n: int, effective: float | None) -> str:
    # Variants of one product are less evidence than as many products, and the bounds say so.
    fewer = effective and effective < n - 0.5
    return f" (worth {effective:,.0f} independent ones)" if fewer else ""


def _asked(floor: float) -> str:
    return f"the floor is {percent(floor)}" if floor else "no floor is set"
