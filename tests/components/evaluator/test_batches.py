"""Batching by kind: nothing lost, nothing mixed, and a bound on what waits."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from components.evaluator.batches import Batches

ITEMS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), max_size=60)


@given(ITEMS, st.integers(1, 5), st.integers(0, 100))
def test_every_item_comes_out_once_among_its_kind_and_in_order(items, max_items, max_bytes):
    batches = Batches(max_items, max_bytes)
    given_out = [
        batch
        for number, (kind, size) in enumerate(items)
        for batch in batches.add(kind, (kind, number), size)
    ]
    given_out += batches.rest()
    numbers = defaultdict(list)
    for batch in given_out:
        assert 1 <= len(batch) <= max_items
        assert len({kind for kind, _ in batch}) == 1
        numbers[batch[0][0]] += [number for _, number in batch]
    for kind in "abc":
        assert numbers[kind] == [n for n, (each, _) in enumerate(items) if each == kind]
    assert list(batches.rest()) == []


@given(ITEMS, st.integers(0, 100))
def test_no_more_waits_than_the_bound_allows(items, max_bytes):
    batches, waiting = Batches(1000, max_bytes), 0
    for kind, size in items:
        waiting += size
        waiting -= sum(sum(batch) for batch in batches.add(kind, size, size))
        assert waiting <= max_bytes
    assert sum(sum(batch) for batch in batches.rest()) == waiting


def test_the_kind_that_holds_most_is_given_out_first():
    batches = Batches(10, 100)
    assert list(batches.add("small", 1, 10)) == []
    assert list(batches.add("large", 2, 80)) == []
    assert list(batches.add("small", 3, 20)) == [[2]]
    assert list(batches.rest()) == [[1, 3]]
