"""Bounds of a share that hold on all days together."""

import numpy as np
import pytest
from scipy.special import beta

from shelfsort.stats.confidence_sequence import share_bounds


def test_at_a_bound_the_martingale_is_one_over_alpha():
    (low,), (high,) = share_bounds([95], [5], 0.05)
    for share in (low, high):
        martingale = beta(95.5, 5.5) / beta(0.5, 0.5) / (share**95 * (1 - share) ** 5)
        assert martingale == pytest.approx(20.0)
    assert low < 0.95 < high


@pytest.mark.parametrize("share", [0.5, 0.98, 0.999])
def test_they_hold_on_all_days_of_a_year_in_95_of_100_years(share):
    rng = np.random.default_rng(3)
    right = rng.binomial(20, share, (300, 250))
    low, high = share_bounds(right, 20 - right, 0.05, 0.98)
    missed = ((low > share) | (high < share)).any(axis=-1)
    assert missed.mean() <= 0.05


def test_without_observations_nothing_is_known_and_all_right_has_no_upper_bound():
    low, high = share_bounds([0, 50], [0, 0], 0.05, 0.98)
    assert (low[0], high[0], high[1]) == (0.0, 1.0, 1.0)
    assert 0.8 < low[1] < 1


def test_more_observations_make_them_narrower():
    low, high = share_bounds([98] * 20, [2] * 20, 0.05, 0.98)
    assert high[-1] - low[-1] < (high[0] - low[0]) / 3


def test_an_alpha_that_is_none_is_refused():
    with pytest.raises(ValueError, match="alpha"):
        share_bounds([1], [1], 0.0)
