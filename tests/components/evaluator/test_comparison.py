import numpy as np
import pytest
import scipy.stats

from components.evaluator.comparison import Outcomes, compare, paired


def outcomes(ids, labels, right, accepted) -> Outcomes:
    right, accepted = (np.array(each, dtype=bool) for each in (right, accepted))
    return Outcomes(ids, labels, right, accepted, np.arange(len(right)))


def p_worse(only_candidate: int, only_live: int, groups=None) -> float:
    """Of products that are no variants of one another, where no groups are given."""
    live = np.repeat([False, True], [only_candidate, only_live])
    return paired(~live, live, np.arange(len(live)) if groups is None else groups).p_worse


CANDIDATE = outcomes("abcd", ["mugs", "mugs", "lids", "sofas"], [1, 0, 1, 1], [1, 1, 0, 0])
LIVE = outcomes("dcba", ["sofas", "lids", "mugs", "mugs"], [0, 1, 1, 1], [0, 1, 1, 1])


@pytest.mark.parametrize(("only_candidate", "only_live"), [(0, 1), (3, 9), (20, 4), (0, 12)])
def test_without_variants_it_is_mcnemars_exact_test(only_candidate, only_live):
    test = scipy.stats.binomtest(only_live, only_candidate + only_live, alternative="greater")
    assert p_worse(only_candidate, only_live) == pytest.approx(test.pvalue)


def test_models_that_never_differ_show_nothing():
    assert p_worse(0, 0) == 1.0


def test_five_losses_and_no_win_have_a_chance_of_one_in_32():
    assert p_worse(0, 5) == pytest.approx(1 / 32)


def test_a_title_lost_with_all_its_variants_is_one_loss():
    assert p_worse(0, 12, groups=np.zeros(12)) == pytest.approx(1 / 2)
    assert p_worse(0, 10, groups=np.repeat(np.arange(5), 2)) == pytest.approx(1 / 32)


def test_products_are_matched_by_id_not_by_order():
    found = compare(CANDIDATE, LIVE, "4")
    assert (found.accuracy.only_candidate, found.accuracy.only_live) == (1, 1)  # d and b
    assert (found.accuracy.candidate, found.accuracy.live) == (0.75, 0.75)
    assert (found.coverage.only_candidate, found.coverage.only_live) == (0, 1)  # c
    assert found.by_category["mugs"].only_live == 1
    assert (found.shared_categories, found.left_out) == (None, 0)


def test_products_of_categories_unknown_to_the_live_model_are_left_out():
    found = compare(CANDIDATE, LIVE, "4", live_categories=["mugs", "lids"])
    assert (found.shared_categories, found.left_out, found.accuracy.n) == (2, 1, 3)
    assert sorted(found.by_category) == ["lids", "mugs"]


def test_different_products_are_refused():
    with pytest.raises(ValueError, match="same products"):
        compare(CANDIDATE, outcomes("abce", ["mugs"] * 4, [1] * 4, [1] * 4))


def test_no_products_are_written_as_null():
    nothing = np.zeros(0, dtype=bool)
    assert np.isnan(paired(nothing, nothing, nothing).candidate)
    found = compare(CANDIDATE, LIVE, live_categories=[])
    assert found.to_dict()["accuracy"]["candidate"] is None
