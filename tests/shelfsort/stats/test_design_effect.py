"""Effective sizes against numbers worked out by hand, and against the spread of many samples."""

import numpy as np
import pytest

from shelfsort.stats.design_effect import (
    correlation_near,
    effective_size,
    intra_group_correlation,
    sizes_by_correlation,
    sizes_by_outcomes,
)


def test_products_that_are_always_alike_count_once_a_group():
    # Sizes 1; 2; 2 and 1: sums of squares 1, 4, 5 over 1, 2, 3 products.
    sizes = sizes_by_correlation([7, 7, 3], correlation=1.0)
    assert sizes == pytest.approx([1, 1, 9 / 5])


def test_without_correlation_or_without_groups_every_product_counts():
    assert sizes_by_correlation([7, 7, 3], 0.0).tolist() == [1, 2, 3]
    assert sizes_by_correlation([7, 8, 3], 1.0).tolist() == [1, 2, 3]
    assert effective_size([True, False, True], [1, 2, 3]) == pytest.approx(3)


def test_half_a_correlation_by_hand():
    # The mean product stands in a group of (4 + 1) / 3: 3 / (1 + 0.5 * 2 / 3).
    assert sizes_by_correlation([7, 3, 7], 0.5)[-1] == pytest.approx(9 / 4)


def test_a_group_that_is_wrong_together_counts_little():
    # Share 2/4; deviations of the groups: 2 - 1 and 0 - 1: 2 / (4 / 4) is a design effect of 2.
    assert effective_size([True, True, False, False], [1, 1, 2, 2]) == pytest.approx(2)


def test_sizes_run_as_if_each_rank_were_the_last():
    rng = np.random.default_rng(2)
    outcomes, groups = rng.random(60) < 0.8, rng.integers(12, size=60)
    running = sizes_by_outcomes(outcomes, groups)
    for rank in (1, 7, 30, 60):
        share, members = outcomes[:rank].mean(), groups[:rank, None] == np.arange(12)
        hits, sizes = members[outcomes[:rank]].sum(axis=0), members.sum(axis=0)
        between = ((hits - share * sizes) ** 2).sum()
        effect = (
            between / (rank * share * (1 - share)) if 0 < share < 1 else (sizes**2).sum() / rank
        )
        assert running[rank - 1] == pytest.approx(rank / np.clip(effect, 1, rank))


def test_outcomes_all_alike_count_each_group_once():
    assert effective_size([True] * 5, [1, 1, 1, 1, 2]) == pytest.approx(25 / 17)
    assert effective_size([], []) == 0


def test_correlation_of_pairs_by_hand():
    # Deviations .5 and -.5: two pairs alike, 4 * .25 of the 4 * .25 expected; one pair as a prior.
    assert intra_group_correlation([True, True, False, False], [1, 1, 2, 2]) == 1.0
    # Both pairs differ: -4 * .25, and with the prior (2 - 1) / (2 + 1).
    assert intra_group_correlation([True, False, True, False], [1, 1, 2, 2]) == pytest.approx(1 / 3)


def test_where_nothing_is_shown_each_group_counts_once():
    assert intra_group_correlation([], []) == 1.0
    assert intra_group_correlation([False] * 9, [1, 1, 1, 2, 2, 2, 3, 3, 3]) == 1.0


def test_the_correlation_is_that_of_the_answers_a_threshold_is_about():
    # The sure half is wrong by the pair and nearly always right, the other half always wrong.
    groups = np.repeat(np.arange(200), 2)
    correct = np.zeros(400, bool)
    correct[:200] = np.repeat(np.arange(100) % 20 > 0, 2)
    scores = np.linspace(1, 0, 400)
    assert correlation_near(scores, correct, groups, 0.94) > 0.9
    assert correlation_near(scores[::-1], correct, groups, 0.94) == pytest.approx(
        intra_group_correlation(~correct, groups)
    )


@pytest.mark.parametrize("together", [0.0, 0.5, 1.0])
def test_estimated_and_true_spread_of_a_share_agree(together):
    rng = np.random.default_rng(0)
    sizes = rng.geometric(0.3, 400)
    groups = np.repeat(np.arange(400), sizes)
    n = len(groups)

    def outcomes():
        common = np.repeat(rng.random(400) < 0.1, sizes)
        return np.where(rng.random(n) < np.sqrt(together), common, rng.random(n) < 0.1)

    samples = [outcomes() for _ in range(300)]
    true_size = 0.09 / np.var([sample.mean() for sample in samples])
    correlation = np.mean([intra_group_correlation(each, groups) for each in samples])
    assert sizes_by_correlation(groups, correlation)[-1] == pytest.approx(true_size, rel=0.2)
    measured = np.mean([effective_size(each, groups) for each in samples])
    assert measured == pytest.approx(true_size, rel=0.2)
