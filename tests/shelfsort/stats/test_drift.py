"""Evidence that a share has changed since a reference."""

from itertools import product as every

import numpy as np
import pytest
from scipy.stats import binom

from shelfsort.stats.drift import drift_e_values, overdispersion

SHARES = np.concatenate([np.linspace(0.01, 0.99, 25), [0.001, 0.999]])


@pytest.mark.parametrize("kinds", [2, 9])
def test_no_share_makes_the_evidence_grow_on_average(kinds):
    """Every outcome of a reference of 4 and of two days of 3 is gone through."""
    old, *new = np.array(list(every(range(5), range(4), range(4)))).T
    days = np.stack(new, axis=-1)
    values = drift_e_values(old, 4, days, 3, kinds=kinds, horizon=3)
    for share in SHARES:
        chance = binom.pmf(old, 4, share) * binom.pmf(days, 3, share).prod(axis=-1)
        assert ((chance[:, None] * values).sum(axis=0) <= 1 + 1e-9).all()


def test_independent_days_are_called_drifted_in_at_most_alpha_of_the_years():
    rng = np.random.default_rng(5)
    shares = rng.dirichlet(np.ones(20), 40)
    reference = np.array([rng.multinomial(700, mix) for mix in shares])
    days = np.array([rng.multinomial(50, mix, 250) for mix in shares])
    values = drift_e_values(reference, 700, np.moveaxis(days, 1, 2), 50, kinds=20)
    assert (values.mean(axis=1).max(axis=-1) >= 20).sum() <= 2


@pytest.mark.parametrize(("before", "now", "within"), [(0.02, 0.04, 20), (0.02, 0.0, 10)])
def test_a_change_is_noticed(before, now, within):
    rng = np.random.default_rng(1)
    days = np.concatenate([rng.binomial(500, before, 60), rng.binomial(500, now, within)])
    values = drift_e_values(rng.binomial(7000, before), 7000, days, 500, kinds=90)
    assert values[:60].max() < 20 < 3600 < values[-1]


def test_a_small_reference_or_a_small_day_gives_little_evidence():
    large = drift_e_values(10, 1000, [60], 500)[0]
    assert large > 1000
    assert drift_e_values(1, 100, [60], 500)[0] < large / 1000
    assert drift_e_values(10, 1000, [6], 50)[0] < large / 1000


def test_evidence_is_divided_by_the_dispersion_on_its_logarithm():
    plain = drift_e_values(10, 1000, [60, 50], 500)
    halved = drift_e_values(10, 1000, [60, 50], 500, dispersion=2.0)
    assert halved == pytest.approx(np.sqrt(plain))


def test_batches_of_one_kind_disperse_and_independent_products_hardly_do():
    rng = np.random.default_rng(2)
    mix = np.full(30, 1 / 30)
    alone = rng.multinomial(300, mix, 14)
    batches = 6 * rng.multinomial(50, mix, 14)
    assert 1 <= overdispersion(alone) < 2
    assert overdispersion(batches) > 5
    assert overdispersion(alone[:1]) == 1.0


@pytest.mark.parametrize(
    ("yes", "more"),
    [([3], {}), ([-1], {}), ([1, 1], {"horizon": 1}), ([1], {"dispersion": 0.5})],
)
def test_counts_that_are_none_are_refused(yes, more):
    with pytest.raises(ValueError, match="counts"):
        drift_e_values(1, 2, yes, 2, **more)
