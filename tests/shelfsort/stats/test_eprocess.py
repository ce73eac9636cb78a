"""The daily watch over a promise: by hand, and in simulated years."""

import numpy as np
import pytest
from scipy.stats import binom

from shelfsort.stats.binomial import upper_bound
from shelfsort.stats.eprocess import daily_e_values, e_benjamini_hochberg

YEARS, DAYS, AUDITS = 2_000, 250, 100
ALPHA = 0.05


def year(accuracy, seed, years=YEARS):
    right = np.random.default_rng(seed).binomial(AUDITS, accuracy, (years, DAYS))
    return right, AUDITS - right


def alarms(e_values):
    return (e_values >= 1 / ALPHA).any(axis=-1)


def test_one_wrong_answer_is_worth_what_the_bets_say():
    (value,) = daily_e_values([0], [1], 0.5, horizon=10)
    rates = [0.625, 0.75, 0.99, 0.99, 0.99, 0.99]
    ratio = np.mean([rate / 0.5 for rate in rates])
    # Half of the stake, and a tenth of the other half, were at risk.
    assert value == pytest.approx((ratio + 0.1 * ratio + 0.9) / 2)
    assert daily_e_values([0, 0], [0, 0], 0.9).tolist() == pytest.approx([1, 1])


def test_the_e_value_of_a_day_expects_no_gain_where_the_promise_is_kept():
    right = np.arange(AUDITS + 1)
    for accuracy in (0.98, 0.99, 1.0):
        after = daily_e_values(right[:, None], (AUDITS - right)[:, None], 0.98)[:, 0]
        assert binom.pmf(right, AUDITS, accuracy) @ after <= 1 + 1e-9


def test_false_alarms_are_rare_where_a_daily_bound_cries_wolf():
    right, wrong = year(0.98, seed=1)
    shares = alarms(daily_e_values(right, wrong, 0.98)).mean()
    assert shares <= ALPHA
    total = right.cumsum(axis=1)[:400]
    looked = upper_bound(total, np.arange(1, DAYS + 1) * AUDITS, 1 - ALPHA) < 0.98
    assert looked.any(axis=1).mean() > 0.2


def test_a_fall_is_noticed_within_days():
    right, wrong = year(0.95, seed=2, years=500)
    found = daily_e_values(right, wrong, 0.98) >= 1 / ALPHA
    assert found.any(axis=1).all()
    assert np.median(found.argmax(axis=1) + 1) <= 4


def test_good_months_do_not_hide_a_fall():
    right, wrong = year(0.99, seed=3, years=500)
    fallen, errors = year(0.95, seed=4, years=500)
    right[:, 150:], wrong[:, 150:] = fallen[:, 150:], errors[:, 150:]
    found = daily_e_values(right, wrong, 0.98) >= 1 / ALPHA
    assert not found[:, :150].any()
    assert np.median(found.argmax(axis=1) - 149) <= 7


def test_rows_are_watched_each_by_itself():
    right, wrong = year(0.97, seed=5, years=3)
    together = daily_e_values(right, wrong, 0.98)
    assert together[1] == pytest.approx(daily_e_values(right[1], wrong[1], 0.98))


def test_much_evidence_does_not_overflow():
    assert daily_e_values([0] * 3, [10**6] * 3, 0.98)[-1] > 1e100


@pytest.mark.parametrize("counts", [([-1], [0]), ([1] * 366, [0] * 366)])
def test_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(ValueError, match="counts"):
        daily_e_values(*counts, 0.95)


def test_discoveries_by_hand():
    # K = 4, alpha = 0.1: thresholds 40, 20, 13.3, 10 for k = 1, 2, 3, 4.
    assert e_benjamini_hochberg([15, 1, 14, 25], 0.1) == [3, 0, 2]
    assert e_benjamini_hochberg([39, 1, 1, 1], 0.1) == []
    assert e_benjamini_hochberg([], 0.1) == []


def test_false_discoveries_among_ninety_categories_stay_below_alpha():
    rng = np.random.default_rng(6)
    wrong_shares, found = [], 0
    for _ in range(60):
        accuracy = np.where(np.arange(90) < 6, 0.85, 0.98)
        right = rng.binomial(10, accuracy[:, None], (90, 60))
        e_values = daily_e_values(right, 10 - right, 0.98)[:, -1]
        rejected = e_benjamini_hochberg(list(e_values), ALPHA)
        wrong_shares.append(np.mean([place >= 6 for place in rejected]) if rejected else 0.0)
        found += sum(place < 6 for place in rejected)
    assert np.mean(wrong_shares) <= ALPHA
    assert found >= 0.9 * 6 * 60
