"""The accuracy guarantee with a search before it, as a guarantee: many draws, few misses.

All trials are equally good, so only chance makes one the best: the hardest case for evidence
that chose. Its true accuracy above a threshold is known.
"""

import numpy as np
import pytest

from shelfsort.stats.thresholds import fit_threshold
from shelfsort.training.tuning.groups import searched_groups
from shelfsort.training.tuning.trial import largest_share

pytestmark = pytest.mark.slow

DRAWS, TRIALS, N = 400, 50, 1_000
TARGET, CONFIDENCE = 0.9, 0.95


def _drawn(chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Groups of one product, scores, and for each trial outcomes that the scores predict."""
    scores = 1 - 0.4 * chance.random(N) ** 2
    outcomes = chance.random((TRIALS, N)) < scores - 0.03
    return chance.integers(-(2**62), 2**62, N), scores, outcomes


def _true_accuracy(threshold: float) -> float:
    """Of answers with scores above the threshold: the mean of score - 0.03."""
    u = np.sqrt((1 - threshold) / 0.4)
    return 0.97 - 0.4 * u**2 / 3


def _best(scores: np.ndarray, outcomes: np.ndarray) -> int:
    """The trial whose answers, (TRIALS, m), are right often enough for the largest share."""
    shares = [largest_share(scores, each, TARGET) for each in outcomes]
    return int(np.argmax(np.array(shares) + outcomes.mean(axis=1)))


def test_thresholds_hold_where_other_groups_chose_the_settings():
    chance = np.random.default_rng(11)
    missed = {"apart": 0, "same": 0}
    accepting = 0
    for _ in range(DRAWS):
        groups, scores, outcomes = _drawn(chance)
        searched = searched_groups(groups, 0.5)
        best = _best(scores[searched], outcomes[:, searched])
        for way, rows in (("apart", ~searched), ("same", searched)):
            cut = fit_threshold(scores[rows], outcomes[best, rows], TARGET, CONFIDENCE)
            if cut is None:
                continue
            accepting += way == "apart"
            missed[way] += _true_accuracy(max(cut, 0.6)) < TARGET
    # Within what 5 % of 400 draws can be by chance; the groups that chose miss many times as often.
    assert missed["apart"] <= 28
    assert missed["same"] >= 120
    assert accepting > 250
