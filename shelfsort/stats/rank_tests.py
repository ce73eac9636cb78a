"""The tests that a threshold rests on, and the ranks at which they begin.

`shelfsort.stats.thresholds` says why the ranks may depend on scores and not on outcomes.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import pdtr

from shelfsort.stats.binomial import errors_allowed, proof_p_value
from shelfsort.stats.design_effect import sizes_by_correlation

STEP = 0.01
"""Ranks between tests, as a share of all. Finer steps gain no coverage."""

# What each start assumes: errors as a multiple of those that the scores predict, wrong labels as a
# share of all products, and its share of the error budget.
_ASSUMED = ((1.5, 0.005, 0.5), (0.25, 0.0, 0.5))
# What a start may lose of its chance to pass by sharing the budget; else it has all of it alone.
_TOO_DEAR = 0.1


@dataclass(frozen=True)
class RankedTests:
    """The tests of the products above each rank of a sample.

    Attributes:
        scores: in falling order.
        ends: the last rank of each tie, rising: tied scores are accepted together, so only there
            can a threshold lie.
        p_values: at each of those, of the products above falling short of the target.
        sizes: effective size of the products above, by rank.
    """

    scores: np.ndarray
    ends: np.ndarray
    p_values: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(
        cls,
        ranked: np.ndarray,
        correct: np.ndarray,
        groups: np.ndarray,
        correlation: float,
        target: float,
    ) -> "RankedTests":
        sizes = sizes_by_correlation(groups, correlation)
        last_of_tie = np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)]
        ends = np.flatnonzero(last_of_tie) + 1
        right = np.cumsum(correct)[ends - 1] / ends * sizes[ends - 1]
        p_values = np.asarray(proof_p_value(right, sizes[ends - 1], target))
        return cls(ranked, ends, p_values, sizes)

    def starts(self, target: float, error: float) -> dict[int, float]:
        """Ranks and their shares of the error budget, by scores and groups alone."""
        lone, alone = _likeliest(self, target, error, *_ASSUMED[0][:2])
        starts: dict[int, float] = {}
        for place, (errors, wrong, share) in enumerate(_ASSUMED):
            rank, chance = _likeliest(self, target, error * share, errors, wrong)
            if not place and alone > chance + _TOO_DEAR:
                return {lone: 1.0}
            if rank:
                starts[rank] = starts.get(rank, 0.0) + share
        return starts or ({lone: 1.0} if lone else {})


def _likeliest(
    evidence: RankedTests, target: float, error: float, more: float, wrong: float
) -> tuple[int, float]:
    """The rank whose test is likeliest to pass at a budget of `error`, and how likely; (0, 0.0).

    Args:
        evidence: of the search.
        target: accuracy, in (0, 1).
        error: budget, in (0, 1).
        more: errors as a multiple of those that the scores predict.
        wrong: share of wrong labels, added to them.
    """
    n = len(evidence.sizes)
    ranks = np.arange(1, n + 1, max(1, round(STEP * n / 2)))
    ranks = np.unique(np.append(ranks, n)) if n else ranks
    sizes = evidence.sizes[ranks - 1]
    allowed = errors_allowed(sizes, target, 1 - error)
    ranks, sizes, allowed = (each[allowed >= 0] for each in (ranks, sizes, allowed))
    if not len(ranks):
        return 0, 0.0
    predicted = np.cumsum(1 - np.clip(evidence.scores, 0, 1))[ranks - 1]
    expected = (more * predicted + wrong * ranks) * sizes / ranks
    chances = pdtr(allowed, expected)
    best = int(np.argmax(chances))
    return int(ranks[best]), float(chances[best])
