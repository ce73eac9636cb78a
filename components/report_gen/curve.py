"""The coverage/accuracy curve: what is decided, and how much of it wrongly, at each threshold."""

from dataclasses import dataclass

import numpy as np

from shelfsort.stats.binomial import lower_bound
from shelfsort.stats.design_effect import sizes_by_outcomes

MAX_POINTS = 800


@dataclass(frozen=True)
class Mark:
    """What the model as shipped did on the split of the curve.

    `accepted` and `wrong` count products as it decided them, none where it abstains, and `lower` is
    the bound of their accuracy as in `Curve`; with thresholds by category that point may lie off
    the curve.
    """

    target: str
    accepted: int
    wrong: int
    lower: float


@dataclass(frozen=True)
class Curve:
    """Points from "accepts nothing" to "accepts everything", in that order.

    `thresholds[0]` is None (accepts nothing). Products that the check for unknown products
    withholds count in `n` and are accepted at no threshold. `lower` is the one-sided 95 %
    Clopper-Pearson bound of the accuracy of what is accepted, variants of one product counted for
    less than as many products; 0 where nothing is accepted.
    """

    n: int
    thresholds: list[float | None]
    accepted: list[int]
    wrong: list[int]
    lower: list[float]
    marks: list[Mark]


def coverage_curve(
    scores: np.ndarray,
    correct: np.ndarray,
    groups: np.ndarray,
    accepted: dict[str, np.ndarray],
    withheld: np.ndarray | None = None,
    max_points: int = MAX_POINTS,
) -> Curve:
    """Builds the curve of one mode of the model.

    Args:
        scores: float array of shape (N,), in [0, 1].
        correct: bool array of shape (N,).
        groups: int array of shape (N,), equal for variants of one product.
        accepted: by target, as in "95" for 95 %, a bool array of shape (N,): accepted as shipped.
        withheld: bool array of shape (N,), accepted at no threshold; None where there are none.
        max_points: about how many points to keep; those nearest to the marks are always kept.
    """
    scores = np.asarray(scores, np.float32)
    correct = np.asarray(correct, bool)
    order = np.argsort(-scores, kind="stable")
    if withheld is not None:
        order = order[~np.asarray(withheld, bool)[order]]
    ranked = scores[order]
    wrong_so_far = np.concatenate([[0], np.cumsum(~correct[order])])
    marks = [
        _mark(target, correct, np.asarray(each, bool), np.asarray(groups))
        for target, each in accepted.items()
    ]
    counts = _kept_counts(ranked, [mark.accepted for mark in marks], max_points)
    sizes = np.append(0.0, sizes_by_outcomes(correct[order], np.asarray(groups)[order]))[counts]
    right = counts - wrong_so_far[counts]
    return Curve(
        n=len(scores),
        thresholds=[None, *(round(float(ranked[count - 1]), 6) for count in counts[1:])],
        accepted=counts.tolist(),
        wrong=wrong_so_far[counts].tolist(),
        lower=np.round(lower_bound(right / np.maximum(counts, 1) * sizes, sizes), 5).tolist(),
        marks=marks,
    )


def _mark(target: str, correct: np.ndarray, accepted: np.ndarray, groups: np.ndarray) -> Mark:
    n, wrong = int(accepted.sum()), int((accepted & ~correct).sum())
    if not n:
        return Mark(target, 0, 0, 0.0)
    size = float(sizes_by_outcomes(correct[accepted], groups[accepted])[-1])
    return Mark(target, n, wrong, round(lower_bound((n - wrong) / n * size, size), 5))


def _kept_counts(ranked: np.ndarray, always: list[int], max_points: int) -> np.ndarray:
    """How many products each point accepts: products with the same score go together."""
    if not len(ranked):
        return np.zeros(1, int)
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) + 1
    counts = np.concatenate([[0], ends])
    if len(counts) > max_points:
        even = np.linspace(0, len(counts) - 1, max_points).round().astype(int)
        counts = np.union1d(counts[even], counts[np.searchsorted(counts, always)])
    return counts
