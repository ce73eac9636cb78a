"""The scale of unknown scores: shares of known products, whatever was measured."""

import numpy as np
import pytest

from shelfsort.stats.novelty import FEWEST, fit_scale


def test_the_score_is_the_place_among_the_known_products():
    known = np.arange(99.0)[:, None]
    scale = fit_scale(known, [1])
    assert scale.scores(np.array([[0.0], [25.0], [95.0], [98.0], [1e9]])) == pytest.approx(
        [0.0, 0.26, 0.96, 0.99, 0.99], abs=1e-3
    )
    assert scale.scores(np.array([[-5.0]])).tolist() == [0.0]


def test_products_as_strange_as_many_known_ones_are_no_stranger_than_these():
    plateau = np.concatenate([np.linspace(0, 1, 80), np.full(20, 5.0)])[:, None]
    assert fit_scale(plateau, [1]).scores(plateau[-1:]) == pytest.approx([0.8], abs=0.02)
    equal = np.ones((100, 3))
    scale = fit_scale(equal, [1] * 3)
    assert scale.scores(equal + 1e-6).tolist() == [0.0] * 100
    assert scale.scores(equal[:1] + 1) == pytest.approx([100 / 101], abs=1e-3)


def test_measures_count_by_factors_of_their_own_deviation():
    rng = np.random.default_rng(3)
    known = rng.normal([5, 100, 0], [1, 20, 3], (4000, 3))
    scale = fit_scale(known, [1, 0.5, 0])
    sums = scale.sums(np.array([[6.0, 100.0, 50.0], [5.0, 120.0, -50.0], [4.0, 120.0, 0.0]]))
    assert sums == pytest.approx([1, 0.5, -0.5], abs=0.06)


@pytest.mark.parametrize(
    ("known", "measures", "within"), [(20, 1, 0.005), (100, 1, 0.003), (400, 2, 0.003)]
)
def test_a_stated_share_of_further_known_products_is_a_false_alarm(known, measures, within):
    rng = np.random.default_rng(4)
    shares = []
    for _ in range(1000):
        scale = fit_scale(rng.gamma(2, 1, (known, measures)), [1] * measures)
        shares.append((scale.scores(rng.gamma(2, 1, (400, measures))) > 0.95).mean())
    assert np.mean(shares) == pytest.approx(0.05, abs=within)


def test_nothing_is_unknown_beside_few_products_or_a_measure_that_never_differs():
    few = fit_scale(np.zeros((FEWEST - 1, 1)), [1])
    assert few.scores(np.array([[1e9]])).tolist() == [0.0]
    same = fit_scale(np.ones((50, 1)), [1])
    assert same.scores(np.array([[1e9]])) == pytest.approx([50 / 51], abs=1e-3)
