import pytest
from scipy.stats import binomtest

from shelfsort.labeling.trees.confusion import (
    confused_by_model,
    confused_by_workers,
    reduction_of,
)


def exact(k, n):
    """The interval of an independent library."""
    found = binomtest(k, n).proportion_ci(0.95, method="exact")
    return pytest.approx((found.low, found.high))


def test_workers_confuse_two_labels_of_one_product():
    answers = [
        *[("a", "a", "a")] * 5,
        *[("b", "b", "b")] * 2,
        *[("a", "b", "b")] * 2,
        ("a", "b", "c"),
        ("a",),
    ]
    found = confused_by_workers(answers)
    assert (found.products, found.settled) == (10, 9)
    first = found.pairs[0]
    # 8 products have an answer a, 5 an answer b, 3 of them both; a b c is settled by a + b.
    assert (first.source, first.target) == ("b", "a")
    assert (first.confused, first.n, first.gain) == (3, 10, 1)
    assert (first.low, first.high) == exact(3, 10)
    assert [(each.source, each.target, each.gain) for each in found.pairs[1:]] == [
        ("c", "b", 1),
        ("c", "a", 1),
    ]


def test_a_tie_with_a_third_label_is_not_settled_by_merging():
    found = confused_by_workers([("a", "b", "c", "c")])

    merged = {(each.source, each.target): each.gain for each in found.pairs}
    assert merged == {("a", "b"): 0, ("a", "c"): 0, ("b", "c"): 0}


def test_a_model_confuses_label_and_prediction_in_both_directions():
    rows = [
        ("a", "a", 1),
        ("a", "b", 2),
        ("b", "a", 3),
        ("b", "b", 4),
        ("b", "b", 5),
        ("c", "a", 6),
    ]
    found = confused_by_model(rows)
    assert (found.products, found.settled) == (6, 3)
    first = found.pairs[0]
    assert (first.source, first.target, first.confused, first.n, first.gain) == ("a", "b", 2, 5, 2)
    assert (first.low, first.high) == exact(2, 5)


def test_variants_of_one_product_are_less_evidence():
    alone = confused_by_model([("a", "b" if n < 4 else "a", n) for n in range(40)]).pairs[0]
    groups = confused_by_model([("a", "b" if n < 4 else "a", n // 4) for n in range(40)]).pairs[0]
    assert (alone.confused, alone.n) == (groups.confused, groups.n) == (4, 40)
    assert groups.high > alone.high and groups.low < alone.low


def test_no_category_is_merged_twice():
    rows = [
        ("a", "b", 0),
        ("a", "b", 1),
        ("b", "c", 2),
        ("c", "c", 3),
        ("c", "c", 4),
        ("d", "c", 5),
    ]
    pairs = confused_by_model(rows).pairs
    merges = reduction_of(pairs)
    assert merges == {"b": "a", "d": "c"}
