"""Thresholds that keep a promise: of what is accepted, at least `target` is right.

A threshold taken from a sample so that 95 % *of that sample* are right is too low about half of
the time. The thresholds here are chosen so that the promise holds for products still to come,
with a stated confidence over the draw of the calibration sample. Products count as independent
draws: twenty colour variants under one title are less evidence than twenty products, and where a
catalogue is full of them the confidence is lower than stated.

`fit_threshold` has two ways of choosing:

`fixed_sequence` (the default). Products are ranked by score. "The accuracy of everything above
rank m is below target" is tested with the exact binomial test at ranks fixed in advance: from
each of two starts downwards, in steps of a hundredth, until a test fails. The starts share the
error budget, and a walk that reaches the next start brings its share along: Wiens' fallback
procedure (2003), as used for risk control in Learn-then-Test (Angelopoulos et al. 2021). Why the
budget holds: if accuracy does not fall as the score rises, the first rank at which acceptance
would break the promise is decided by the scores alone, and given it the errors above that rank
are at least as many as a binomial with the target's error rate; so that rank's test passes with
probability of at most its budget, and no rank below is reached but through it or from a later
start, which has a budget of its own.

`sgr`. Selection with guaranteed risk (Geifman & El-Yaniv 2017, algorithm 1): binary search over
the ranks, each of the ceil(log2 N) steps at its share of the budget. It needs about three times
the evidence and accepts less; `benchmarks/thresholds.py` has both side by side.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from components.binomial import (
    holm,
    lower_bound,
    proof_p_value,
    shortfall_p_value,
    smallest_proof,
)

Method = Literal["fixed_sequence", "sgr"]
Scope = Literal["overall", "category"]

# Where the walks start, as shares of the sample, and their shares of the error budget. The lower
# start has most evidence, and so most of the budget; the upper one is for models that are right
# about less than half of the products. Chosen by `benchmarks/thresholds.py`.
_STARTS = {0.2: 0.2, 0.5: 0.8}
_LONE_START = 0.5
# Ranks between tests: fewer tests in a row give chance fewer occasions to end the walk.
_STEP = 0.01


@dataclass(frozen=True)
class Threshold:
    """A fitted threshold and the evidence for it.

    Attributes:
        value: accept where score >= value; None abstains from everything.
        n_accepted: calibration products at or above `value`.
        n_correct: how many of those are right.
        lower_bound: exact lower bound of their accuracy at the asked confidence, for display: it
            knows nothing of the search, so it stands above the target more often than promised.
    """

    value: float | None
    n_accepted: int
    n_correct: int
    lower_bound: float


def fit_threshold(
    scores: ArrayLike,
    correct: ArrayLike,
    target: float,
    confidence: float = 0.95,
    method: Method = "fixed_sequence",
) -> Threshold:
    """The threshold that accepts most while the accepted accuracy is proven to reach `target`.

    Args:
        scores: float array of shape (N,); any order, ties allowed, higher is surer.
        correct: bool array of shape (N,), whether the prediction was right.
        target: accuracy promised among accepted products, in (0, 1).
        confidence: share of calibration samples in which the promise holds, in (0, 1).
        method: how ranks are searched; see the module's docstring.

    Returns:
        The threshold; `value` None where the evidence proves nothing.

    Raises:
        ValueError: shapes disagree, a score is not finite, or a share is outside (0, 1).
    """
    scores, correct = _check_sample(scores, correct, target, confidence)
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    right = np.cumsum(correct[order])
    # Tied scores are accepted together, so only the last rank of a tie can be tested.
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) + 1 if len(ranked) else []
    search = {"fixed_sequence": _fixed_sequence, "sgr": _guaranteed_risk}[method]
    rank = search(np.asarray(ends, dtype=np.int64), right, target, 1 - confidence)
    if rank == 0:
        return Threshold(None, 0, 0, 0.0)
    n_correct = int(right[rank - 1])
    bound = lower_bound(n_correct, rank, confidence)
    return Threshold(_cut_below(ranked, rank), rank, n_correct, bound)


def fit_all(
    scores: ArrayLike,
    predicted: Sequence[str],
    correct: ArrayLike,
    parent_scores: ArrayLike,
    predicted_parent: Sequence[str],
    parent_correct: ArrayLike,
    targets: Sequence[float] = (0.95, 0.98),
    confidence: float = 0.95,
    scope: Scope = "overall",
    *,
    categories: Sequence[str] | None = None,
    eligible: ArrayLike | None = None,
    temperature: float = 1.0,
) -> dict:
    """Every threshold of one mode, in the form that is served and written to metrics.json.

    With scope "overall" a category uses the overall threshold unless its own calibration products
    *refute* the promise there (exact test, Holm-corrected over categories): then it gets a higher
    one of its own, or abstains. With scope "category" each category must prove the promise with
    its own products, else it abstains. The parent threshold is pooled over all parents.

    Args:
        scores: float array of shape (N,), score of the predicted leaf.
        predicted: N ids of predicted leaves.
        correct: bool array of shape (N,).
        parent_scores: float array of shape (N,), summed score of the predicted leaf's parent.
        predicted_parent: N ids of those parents.
        parent_correct: bool array of shape (N,), whether the true leaf has that parent.
        targets: accepted accuracies to promise.
        confidence: of each promise.
        scope: whose evidence counts, see above.
        categories: all leaf ids, so that those nobody predicted have an entry too; default: the
            predicted ones.
        eligible: bool array of shape (N,), whether the leaf may be accepted at all; default: every
            one. Must not depend on `correct`. Parents are not concerned.
        temperature: recorded beside the thresholds.

    Returns:
        `{"temperature", "n", "confidence", "scope", "overall": {"95": t}, "parent": {"95": t},
        "by_category": {leaf: {"95": t, "n": products predicted there}}}`; a None threshold
        abstains, and `by_category` holds the one in force.

    Raises:
        ValueError: shapes disagree, a score is not finite, or `scope` is unknown.
    """
    predicted = np.asarray(predicted, dtype=object)
    scores, correct = _check_sample(scores, correct, *targets, confidence)
    if not len(scores) == len(predicted) == len(predicted_parent):
        raise ValueError("scores, predicted categories and predicted parents differ in number")
    if scope not in ("overall", "category"):
        raise ValueError(f"scope must be overall or category, not {scope!r}")
    names = list(categories) if categories is not None else sorted(set(predicted))
    may = np.ones(len(scores), bool) if eligible is None else np.asarray(eligible, dtype=bool)
    sample = (scores[may], predicted[may], correct[may])
    overall, parent = {}, {}
    by_category: dict[str, dict] = {name: {} for name in names}
    for target in targets:
        key = target_key(target)
        parent[key] = fit_threshold(parent_scores, parent_correct, target, confidence).value
        overall[key] = fit_threshold(scores[may], correct[may], target, confidence).value
        pooled = overall[key] if scope == "overall" else None
        in_force = _category_thresholds(names, *sample, pooled, scope, target, confidence)
        for name in names:
            by_category[name][key] = in_force[name]
    for name in names:
        by_category[name]["n"] = int((predicted == name).sum())
    return {
        "temperature": float(temperature),
        "n": len(scores),
        "confidence": confidence,
        "scope": scope,
        "overall": overall,
        "parent": parent,
        "by_category": by_category,
    }


def refuted_categories(
    predicted: ArrayLike, correct: ArrayLike, accepted: ArrayLike, target: float, confidence: float
) -> set[str]:
    """Categories whose accepted products show an accuracy below `target`, beyond chance.

    One exact binomial test a category (its upper Clopper-Pearson bound below the target),
    Holm-corrected (1979), so that with probability `confidence` none is named wrongly.

    Args:
        predicted: ids of shape (N,).
        correct: bool array of shape (N,).
        accepted: bool array of shape (N,), whether the product would be accepted.
        target: accuracy promised, in (0, 1).
        confidence: that nobody is named wrongly, in (0, 1).
    """
    predicted, correct = np.asarray(predicted, dtype=object), np.asarray(correct, dtype=bool)
    accepted = np.asarray(accepted, dtype=bool)
    names = sorted(set(predicted[accepted]))
    right = [int(correct[accepted & (predicted == name)].sum()) for name in names]
    total = [int((accepted & (predicted == name)).sum()) for name in names]
    refuted = holm(
        [shortfall_p_value(k, n, target) for k, n in zip(right, total, strict=True)], 1 - confidence
    )
    return {name for name, is_refuted in zip(names, refuted, strict=True) if is_refuted}


def target_key(target: float) -> str:
    """0.95 -> "95", 0.975 -> "97.5": how a target is named in files and output names."""
    return f"{target * 100:g}"


def _category_thresholds(
    names: Sequence[str],
    scores: np.ndarray,
    predicted: np.ndarray,
    correct: np.ndarray,
    pooled: float | None,
    scope: Scope,
    target: float,
    confidence: float,
) -> dict[str, float | None]:
    if scope == "category":
        on_their_own = set(names)
    elif pooled is None:
        on_their_own = set()
    else:
        accepted = scores >= pooled
        on_their_own = refuted_categories(predicted, correct, accepted, target, confidence)
    in_force = dict.fromkeys(names, pooled)
    for name in on_their_own.intersection(names):
        of_name = predicted == name
        own = fit_threshold(scores[of_name], correct[of_name], target, confidence).value
        # What failed at the pooled threshold is not to be let in by a lower one.
        too_low = own is not None and pooled is not None and own <= pooled
        in_force[name] = None if too_low else own
    return in_force


def _fixed_sequence(ends: np.ndarray, right: np.ndarray, target: float, error: float) -> int:
    n = len(right)
    starts = _starts(n, target, error)
    planned = np.arange(min(starts), n + 1, max(1, round(_STEP * n)))
    planned = np.unique([*planned, *starts, n])
    at_start = np.zeros(len(ends) + 1)
    for rank, share in starts.items():
        at_start[np.searchsorted(ends, rank)] += share
    p_values = proof_p_value(right[ends - 1], ends, target)
    best, budget = 0, 0.0
    for index in np.unique(np.searchsorted(ends, planned[planned >= min(starts)])):
        if index == len(ends):
            break
        budget += error * at_start[index]
        if 0 < budget >= p_values[index]:
            best = int(ends[index])
        else:
            budget = 0.0
    return best


def _starts(n: int, target: float, error: float) -> dict[int, float]:
    # Depends on n alone, never on outcomes. Where the upper start could prove nothing even without
    # an error, its share of the budget would be thrown away.
    first, share = next(iter(_STARTS.items()))
    if math.ceil(n * first) >= smallest_proof(target, 1 - error * share):
        return {math.ceil(n * start): share for start, share in _STARTS.items()}
    return {max(math.ceil(n * _LONE_START), smallest_proof(target, 1 - error)): 1.0}


def _guaranteed_risk(ends: np.ndarray, right: np.ndarray, target: float, error: float) -> int:
    if not len(ends):
        return 0
    p_values = proof_p_value(right[ends - 1], ends, target)
    steps = max(1, math.ceil(math.log2(len(right))))
    low, high, best = 0, len(ends) - 1, 0
    for _ in range(steps):
        if low > high:
            break
        middle = (low + high) // 2
        if p_values[middle] <= error / steps:
            best, low = int(ends[middle]), middle + 1
        else:
            high = middle - 1
    return best


def _cut_below(ranked: np.ndarray, rank: int) -> float:
    # Midway to the next score, so that a score recomputed in float32 falls on the same side.
    last = ranked[rank - 1]
    if rank == len(ranked):
        return float(np.nextafter(np.float32(last), np.float32(-np.inf)))
    middle = float((last + ranked[rank]) / 2)
    return middle if middle > ranked[rank] else float(last)


def _check_sample(
    scores: ArrayLike, correct: ArrayLike, *shares: float
) -> tuple[np.ndarray, np.ndarray]:
    scores, correct = np.asarray(scores, dtype=np.float64), np.asarray(correct, dtype=bool)
    if scores.ndim != 1 or scores.shape != correct.shape:
        raise ValueError(f"scores {scores.shape} and outcomes {correct.shape}: one each a product")
    if not np.isfinite(scores).all():
        raise ValueError(f"score {int(np.flatnonzero(~np.isfinite(scores))[0])} is not finite")
    for share in shares:
        if not 0 < share < 1:
            raise ValueError(f"targets and confidences lie between 0 and 1, not {share}")
    return scores, correct


def _check_counts(successes: int, n: int, confidence: float) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not {confidence}")
