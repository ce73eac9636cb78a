"""The scale of unknown scores: shares of known products, whatever was measured."""

import numpy as np
import pytest

from shelfsort.stats.novelty import FEWEST, fit_scale


def test_the_score_is_the_share_of_known_products_that_look_less_strange():
    known = np.arange(101.0)[:, None]
    scale = fit_scale(known, [1])
    assert scale.scores(np.array([[0.0], [25.0], [95.0], [100.0]])) == pytest.approx(
        [0.0, 0.25, 0.95, 1.0], abs=1e-3
    )
    assert scale.scores(np.array([[-5.0], [1e9]])).tolist() == [0.0, 1.0]


def test_products_as_strange_as_many_known_ones_are_no_stranger_than_these():
    plateau = np.concatenate([np.linspace(0, 1, 80), np.full(20, 5.0)])[:, None]
    assert fit_scale(plateau, [1]).scores(plateau[-1:]) == pytest.approx([0.8], abs=0.02)
    equal = np.ones((100, 3))
    scale = fit_scale(equal, [1] * 3)
    assert scale.scores(equal + 1e-6).tolist() == [0.0] * 100
    assert scale.scores(equal[:1] + 1).tolist() == [1.0]


def test_measures_count_by_factors_of_their_own_deviation():
    rng = np.random.default_rng(3)
    known = rng.normal([5, 100, 0], [1, 20, 3], (4000, 3))
    scale = fit_scale(known, [1, 0.5, 0])
    sums = scale.sums(np.array([[6.0, 100.0, 50.0], [5.0, 120.0, -50.0], [4.0, 120.0, 0.0]]))
    assert sums == pytest.approx([1, 0.5, -0.5], abs=0.06)


def test_a_stated_share_of_further_known_products_is_a_false_alarm():
    rng = np.random.default_rng(4)
    shares = []
    for _ in range(200):
        scale = fit_scale(rng.gamma(2, 1, (400, 2)), [1, 1])
        shares.append((scale.scores(rng.gamma(2, 1, (400, 2))) > 0.95).mean())
    assert np.mean(shares) == pytest.approx(0.05, abs=0.005)


def test_nothing_is_unknown_beside_few_products_or_a_measure_that_never_differs():
    few = fit_scale(np.zeros((FEWEST - 1, 1)), [1])
    assert few.scores(np.array([[1e9]])).tolist() == [0.0]
    same = fit_scale(np.ones((50, 1)), [1])
    assert same.scores(np.array([[1e9]])).tolist() in ([0.0], [1.0])
