"""Whether the gain of a search is told from chance."""

import numpy as np
import pytest

from shelfsort.training.tuning.gain import gain
from shelfsort.training.tuning.trial import Answers, largest_share

N = 1_200


def answers(accuracy: float, seed: int, groups: np.ndarray | None = None) -> Answers:
    chance = np.random.default_rng(seed)
    scores = chance.random(N)
    correct = chance.random(N) < accuracy + (1 - accuracy) * scores
    return Answers(
        np.arange(N) if groups is None else groups, scores.astype(np.float32), correct, correct
    )


def test_the_largest_share_by_hand():
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    correct = np.array([True, True, False, True, False])
    # 2 of 2, 2 of 3, 3 of 4, 3 of 5.
    assert largest_share(scores, correct, 0.9) == 2 / 5
    assert largest_share(scores, correct, 0.75) == 4 / 5
    assert largest_share(scores, correct, 0.6) == 1
    assert largest_share(scores[2:], correct[2:], 0.9) == 0
    assert largest_share(scores[:0], correct[:0], 0.9) == 0


def test_the_best_of_many_equally_good_trials_gains_nothing():
    found = gain([answers(0.7, seed) for seed in range(30)], 0.9, draws=200)
    assert found.within_sampling_error
    assert abs(found.mean) < 0.06


def test_a_real_gain_is_told():
    trials = [answers(0.6, 0), *(answers(0.6, seed) for seed in range(1, 5)), answers(0.85, 9)]
    found = gain(trials, 0.9, draws=200)
    assert found.low > 0
    assert 0.2 < found.mean < 0.8
    assert not found.within_sampling_error


def test_variants_count_as_one_observation():
    groups = np.arange(N) // 40
    narrow = gain([answers(0.6, 0), answers(0.7, 1)], 0.9, draws=200)
    chance = np.random.default_rng(5)
    shared = np.repeat(chance.random(N // 40), 40)
    one, other = (
        Answers(groups, answers(0.6, 0).scores, shared < accuracy, shared < accuracy)
        for accuracy in (0.85, 0.9)
    )
    wide = gain([one, other], 0.9, draws=200)
    assert wide.high - wide.low > narrow.high - narrow.low


def test_one_group_tells_nothing():
    found = gain([answers(0.5, 0, np.zeros(N, int)), answers(0.9, 1, np.zeros(N, int))], 0.9)
    assert (found.mean, found.low, found.high) == (0, 0, 0)
    assert found.within_sampling_error


def test_answers_survive_their_file():
    before = answers(0.7, 0)
    after = Answers.from_bytes(before.to_bytes())
    np.testing.assert_array_equal(before.scores, after.scores)
    assert after.coverage == before.coverage == pytest.approx(before.correct.mean())
    assert after.value == pytest.approx(after.coverage + after.accuracy / 1000)
