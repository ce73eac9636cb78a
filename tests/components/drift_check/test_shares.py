import numpy as np
import pytest
from scipy.stats import binom

from components.drift_check.shares import category_changes, ratio_p_value


def test_the_test_of_two_rates_agrees_with_scipys_binomial():
    # 12 of 1,000 before, 60 of 1,500 now, tripling allowed.
    share = 3 * 1500 / (3 * 1500 + 1000)
    expected = binom.sf(59, 72, share)
    assert ratio_p_value((12, 60), (1000, 1500), 3.0) == pytest.approx(expected)
    # The other way round it has shrunk.
    assert ratio_p_value((60, 12), (1500, 1000), 3.0) == pytest.approx(expected)


def test_no_evidence_is_no_change():
    assert ratio_p_value((0, 0), (10, 10), 2.0) == 1.0


def test_at_the_ratio_allowed_the_test_keeps_its_level():
    rng = np.random.default_rng(5)
    before, now = rng.poisson(40, 4000), rng.poisson(2 * 40, 4000)
    p_values = [ratio_p_value((b, n), (1e4, 1e4), 2.0) for b, n in zip(before, now, strict=True)]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.06


BEFORE = {"bags": 400, "hats": 400, "shoes": 100, "socks": 5, "belts": 95}


def changes(now, leaves=tuple(BEFORE), max_ratio=2.0):
    return category_changes(BEFORE, now, leaves, max_ratio=max_ratio, confidence=0.95)


def test_the_same_shares_of_more_products_have_not_changed():
    found = changes({name: 3 * count for name, count in BEFORE.items()})
    assert found.drifted == [] and found.new == found.removed == []
    assert len(found.compared) == 5
    assert found.compared[0].share_now == pytest.approx(found.compared[0].share_before)


def test_a_category_that_lost_its_products_has_drifted_and_a_tiny_one_proves_nothing():
    found = changes({"bags": 400, "hats": 400, "shoes": 100})
    assert [change.category for change in found.drifted] == ["belts"]
    assert found.drifted[0].now == 0 and found.drifted[0].share_now == 0


def test_a_category_four_times_as_large_has_drifted_and_one_doubled_has_not():
    assert [c.category for c in changes(BEFORE | {"shoes": 400}).drifted] == ["shoes"]
    assert changes(BEFORE | {"shoes": 200}).drifted == []


def test_any_change_is_fine_where_no_ratio_is_set():
    assert changes({"bags": 400, "hats": 400}, max_ratio=None).drifted == []


def test_new_and_removed_categories_are_told_and_left_out():
    now = {**BEFORE, "scarves": 900}
    del now["belts"]
    leaves = [*now, "gloves"]
    found = changes(now, leaves)
    assert (found.new, found.removed, found.drifted) == (["scarves"], ["belts"], [])
    assert sum(change.share_now for change in found.compared) == pytest.approx(1)
