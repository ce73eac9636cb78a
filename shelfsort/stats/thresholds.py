"""Thresholds with an accuracy guarantee: of what is accepted, at least `target` is right.

A threshold taken from a sample so that 95 % *of that sample* are right is too low about half of
the time. The thresholds here are chosen so that the guarantee holds for products still to come,
with a stated confidence over the draw of the calibration sample.

Products are ranked by score. "The accuracy of everything above rank m is below target" is tested
with the exact binomial test at ranks fixed in advance: from each of two starts downwards, in steps
of a hundredth, until a test fails. The starts share the error budget, and a walk that reaches the
next start brings its share along: the fallback procedure of Wiens (2003), as used for risk control
in Learn-then-Test (Angelopoulos et al. 2021). The budget holds for this reason. If accuracy does
not fall as the score rises, the first rank at which acceptance would break the guarantee is decided
by the scores alone. Given that rank, the errors above it are at least as many as a binomial with
the target's error rate, so its test passes with a probability of at most its budget. No rank below
is reached except through it or from a later start, which has a budget of its own.

Where the walks start may depend on the scores, but not on outcomes. Each starts at the rank whose
test is likeliest to pass if the scores predict errors, one on the assumption that there are half as
many again and that one label in 200 is wrong, the other on the assumption that there are a quarter
as many: floors leave answers that are better than their scores. Walks from fixed shares of the
products lose thresholds whose first test is on too few products to bear one error, and those of
models that are right about less than that share.

Products of one group (variants of one title) tend to be right or wrong together. They are tested as
their effective number of independent products, `design_effect.sizes_by_correlation`, which depends
on scores and groups alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from shelfsort.stats.binomial import holm, shortfall_p_value
from shelfsort.stats.design_effect import correlation_near, sizes_by_correlation
from shelfsort.stats.rank_tests import STEP, RankedTests

Scope = Literal["overall", "category"]


def fit_threshold(
    scores: ArrayLike,
    correct: ArrayLike,
    target: float,
    confidence: float = 0.95,
    *,
    groups: ArrayLike | None = None,
    correlation: float = 0.0,
) -> float | None:
    """The threshold that accepts most while the accepted accuracy is proven to reach `target`.

    Args:
        scores: float array of shape (N,), probabilities of being right as far as they are known;
            any order, ties allowed.
        correct: bool array of shape (N,), whether the prediction was right.
        target: guaranteed accuracy of accepted products, in (0, 1).
        confidence: share of calibration samples in which the guarantee holds, in (0, 1).
        groups: int array of shape (N,), equal for variants of one product; None: all differ.
        correlation: of right and wrong within a group, 0 to 1.

    Returns:
        The lowest accepted score; None, which accepts nothing, where the evidence proves nothing.

    Raises:
        ValueError: shapes disagree, a score is not finite, or a share is outside (0, 1).
    """
    scores, correct = _check_sample(scores, correct, target, confidence)
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    groups = np.arange(len(scores)) if groups is None else np.asarray(groups)
    evidence = RankedTests.of(ranked, correct[order], groups[order], correlation, target)
    rank = _last_proven_rank(evidence, target, 1 - confidence)
    return _cut_below(ranked, rank) if rank else None


@dataclass(frozen=True)
class Trials:
    """Answers at one level of the tree, and whether they were right; arrays of shape (N,).

    Attributes:
        scores: floats, higher is surer.
        named: ids of the predicted nodes.
        correct: bools.
        groups: ints, equal for variants of one product.
    """

    scores: np.ndarray
    named: np.ndarray
    correct: np.ndarray
    groups: np.ndarray

    def __post_init__(self) -> None:
        if len({len(getattr(self, each.name)) for each in fields(self)}) > 1:
            raise ValueError("scores, named nodes, outcomes and groups differ in number")

    def __len__(self) -> int:
        return len(self.scores)

    def rows(self, index: np.ndarray) -> "Trials":
        """The answers at `index` (ids or a mask)."""
        return Trials(*(getattr(self, each.name)[index] for each in fields(self)))

    def correlation_near(self, target: float) -> float:
        """Of errors within a group, among the answers that a threshold for `target` is about."""
        return correlation_near(self.scores, self.correct, self.groups, target)


@dataclass(frozen=True)
class Fitted:
    """Thresholds of one level at one target; None accepts nothing.

    Attributes:
        pooled: fitted on all nodes together.
        in_force: by node.
    """

    pooled: float | None
    in_force: dict[str, float | None]


def fit_thresholds(
    trials: Trials,
    nodes: Sequence[str],
    target: float,
    confidence: float = 0.95,
    scope: Scope = "overall",
    correlation: float = 0.0,
    marginal: float = 0.0,
) -> Fitted:
    """A threshold for each node of one level: leaves, or their ancestors at one depth.

    With scope "overall" a node uses the pooled threshold unless its own trials *refute* the
    guarantee there (exact test, Holm-corrected over nodes): then it gets a higher one of its own,
    or abstains. With scope "category" each node must prove the guarantee with its own trials, else
    it abstains.

    Args:
        trials: what it is fitted on.
        nodes: every id that is to have a threshold, answered or not.
        target: guaranteed accuracy, in (0, 1).
        confidence: of the guarantee, in (0, 1).
        scope: whose evidence counts, see above.
        correlation: of right and wrong within a group, 0 to 1.
        marginal: accuracy that answers next to a threshold have at least, in [0, 1), see
            `marginal_cut`.

    Raises:
        ValueError: a score is not finite, or `scope` is unknown.
    """
    if scope not in ("overall", "category"):
        raise ValueError(f"scope must be overall or category, not {scope!r}")

    least = marginal_cut(trials.scores, trials.correct, marginal)

    def fit(some: Trials) -> float | None:
        found = fit_threshold(
            some.scores,
            some.correct,
            target,
            confidence,
            groups=some.groups,
            correlation=correlation,
        )
        return None if found is None or least is None else max(found, least)

    pooled = fit(trials)
    if scope == "category":
        return Fitted(pooled, {node: fit(trials.rows(trials.named == node)) for node in nodes})
    in_force: dict[str, float | None] = dict.fromkeys(nodes, pooled)
    if pooled is not None:
        accepted = trials.rows(trials.scores >= pooled)
        for node in refuted(accepted, target, confidence, correlation).intersection(nodes):
            own = fit(trials.rows(trials.named == node))
            # What failed at the pooled threshold is not to be let in by a lower one.
            in_force[node] = None if own is None or own <= pooled else own
    return Fitted(pooled, in_force)


def marginal_cut(scores: ArrayLike, correct: ArrayLike, accuracy: float) -> float | None:
    """The lowest score at which answers are still right in a share of `accuracy`.

    The guarantee is about all accepted answers, so the sure ones among them pay for doubtful ones.
    This bounds how doubtful the least sure one may be. The accuracy at a score is an isotonic
    regression (Ayer et al. 1955), so it never falls as the score rises.

    Args:
        scores: float array of shape (N,).
        correct: bool array of shape (N,).
        accuracy: in [0, 1); 0 allows every score.

    Returns:
        The score; -inf where every one may pass, None where none may.
    """
    scores = np.asarray(scores, np.float64)
    if accuracy <= 0 or not len(scores):
        return -np.inf
    distinct, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    shares = np.bincount(place, weights=np.asarray(correct, np.float64)) / counts
    fitted = isotonic_regression(shares, weights=counts).x
    enough = np.flatnonzero(fitted >= accuracy)
    if not len(enough):
        return None
    return -np.inf if enough[0] == 0 else float((distinct[enough[0]] + distinct[enough[0] - 1]) / 2)


def refuted(
    accepted: Trials, target: float, confidence: float, correlation: float = 0.0
) -> set[str]:
    """Nodes whose accepted answers show an accuracy below `target`, beyond sampling error.

    One exact binomial test a node (its upper Clopper-Pearson bound below the target),
    Holm-corrected (1979), so that with probability `confidence` none is named wrongly.

    Args:
        accepted: answers that would be accepted.
        target: guaranteed accuracy, in (0, 1).
        confidence: that nobody is named wrongly, in (0, 1).
        correlation: of right and wrong within a group, 0 to 1.
    """
    nodes = sorted(set(accepted.named))
    p_values = []
    for node in nodes:
        own = accepted.named == node
        size = sizes_by_correlation(accepted.groups[own], correlation)[-1]
        p_values.append(shortfall_p_value(accepted.correct[own].mean() * size, size, target))
    fallen = holm(p_values, 1 - confidence)
    return {node for node, falls in zip(nodes, fallen, strict=True) if falls}


def _last_proven_rank(evidence: RankedTests, target: float, error: float) -> int:
    n, ends = len(evidence.sizes), evidence.ends
    starts = evidence.starts(target, error)
    if not starts:
        return 0
    planned = [*np.arange(min(starts), n, max(1, round(STEP * n))), *starts, n]
    at_start = np.zeros(len(ends))
    for rank, share in starts.items():
        at_start[np.searchsorted(ends, rank)] += share
    best, budget = 0, 0.0
    for index in np.unique(np.searchsorted(ends, planned)):
        budget += error * at_start[index]
        if 0 < budget >= evidence.p_values[index]:
            best = int(ends[index])
        else:
            budget = 0.0
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
