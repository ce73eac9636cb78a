"""The sign-flip test against counting by hand, McNemar's test and all assignments of signs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from shelfsort.stats.paired import difference_interval, sign_flip_p_value, summed_by_group


def test_three_of_four_products_for_one_model_by_hand():
    # 16 assignments of signs: |sum| >= 2 in all but the 6 whose sum is 0.
    assert sign_flip_p_value([1, 1, 1, -1]) == pytest.approx(10 / 16)


def test_a_group_of_three_counts_as_one_witness():
    # 4 assignments of +-3 +-1: all have |sum| >= 2, so three products of one title prove nothing.
    assert sign_flip_p_value([3, -1]) == 1.0
    assert sign_flip_p_value([3, 1]) == pytest.approx(2 / 4)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 1), (2, 9), (30, 12), (400, 520)])
def test_without_groups_it_is_the_exact_mcnemar_test(only_a, only_b):
    differences = [-1] * only_a + [1] * only_b + [0] * 50
    expected = binomtest(only_a, only_a + only_b, 0.5).pvalue
    assert sign_flip_p_value(differences) == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.integers(-5, 5), max_size=9))
def test_it_counts_all_assignments_of_signs(differences):
    sums = [
        sum(sign * value for sign, value in zip(signs, differences, strict=True))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]
    as_far = sum(abs(each) >= abs(sum(differences)) for each in sums) / len(sums)
    as_great = sum(each >= sum(differences) for each in sums) / len(sums)
    assert sign_flip_p_value(differences) == pytest.approx(as_far)
    assert sign_flip_p_value(differences, "greater") == pytest.approx(as_great)


def test_under_equal_models_it_seldom_finds_a_difference_though_variants_fall_together():
    rng = np.random.default_rng(5)
    found = {"groups": 0, "products": 0}
    titles = np.repeat([f"title {i}" for i in range(60)], 5)
    for _ in range(400):
        differences = np.repeat(rng.choice([-1, 0, 1], 60), 5)
        found["groups"] += sign_flip_p_value(summed_by_group(differences, titles)) <= 0.05
        found["products"] += sign_flip_p_value(differences) <= 0.05
    assert found["groups"] / 400 < 0.08
    assert found["products"] / 400 > 0.25


def test_sums_by_group_add_up_what_belongs_together():
    assert sorted(summed_by_group([1, -1, 1, 1], ["a", "b", "a", "b"])) == [0, 2]
    assert len(summed_by_group([], [])) == 0


def test_the_interval_of_a_difference_by_hand():
    # 100 products, 5 right by A only and 15 by B only: one is added to each, two to all.
    lost, won = 6 / 102, 16 / 102
    half = 1.959964 * ((lost + won - (won - lost) ** 2) / 102) ** 0.5
    assert difference_interval(100, 5, 15) == pytest.approx((won - lost - half, won - lost + half))
    assert difference_interval(0, 0, 0) == (-1.0, 1.0)


@pytest.mark.parametrize(("lost", "won"), [(0.02, 0.02), (0.05, 0.01), (0.0, 0.03)])
def test_the_interval_covers_the_difference_in_95_of_100_samples(lost, won):
    rng = np.random.default_rng(4)
    drawn = rng.multinomial(200, [lost, won, 1 - lost - won], 2_000)
    covered = [
        low <= won - lost <= high
        for low, high in (difference_interval(200, a, b) for a, b, _ in drawn)
    ]
    assert np.mean(covered) >= 0.94
