"""Which groups a search reads, and what is left as evidence."""

import numpy as np
import pytest

from shelfsort.core.errors import InputError
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.tuning import groups
from shelfsort.training.tuning.groups import search_part, searched_groups, without_searched


def products(n: int) -> Products:
    """Three variants a group."""
    return Products(
        product_ids=ProductIds(np.array([f"{row}".encode() for row in range(n)])),
        features=np.zeros(n, feature_type(1, 1, 2)),
        word_terms=1,
        piece_terms=1,
        has_text=np.ones(n, bool),
        has_image=np.zeros(n, bool),
        labels=np.zeros(n, np.int32),
        label_weights=np.ones(n, np.float32),
        groups=np.arange(n) // 3,
        evidence=np.arange(n) % 7 > 0,
    )


def test_groups_of_a_smaller_share_are_among_those_of_a_larger_one():
    ids = np.random.default_rng(0).integers(-(2**62), 2**62, 4_000)
    third, half = searched_groups(ids, 1 / 3), searched_groups(ids, 0.5)
    assert 0.3 < third.mean() < 0.37
    assert 0.47 < half.mean() < 0.53
    assert not (third & ~half).any()
    assert not searched_groups(ids, 0).any()
    assert searched_groups(ids, 1).all()


def test_what_a_search_reads_and_what_proves_thresholds_share_no_group():
    whole = products(900)
    read, share = search_part(whole, 0.5)
    left = without_searched(whole, share)
    assert share == 0.5
    assert set(read.groups).isdisjoint(left.groups[left.evidence])
    assert set(read.groups) | set(left.groups[left.evidence]) == set(whole.groups)
    # What was no evidence before is none afterwards.
    assert not (left.evidence & ~whole.evidence).any()


def test_a_search_of_many_products_reads_a_part_and_says_which_share(monkeypatch):
    monkeypatch.setattr(groups, "MOST_PRODUCTS", 90)
    read, share = search_part(products(900), 0.5)
    assert share == 0.1
    assert 60 < len(read) < 120
    everything, share = search_part(products(900), 1.0)
    assert (len(everything), share) == (90, 1.0)


def test_settings_searched_on_all_products_leave_nothing_to_prove_a_threshold_on():
    with pytest.raises(InputError, match="calibration"):
        without_searched(products(30), 1.0)
