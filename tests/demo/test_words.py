"""Titles and descriptions: unlike each other, in two kinds, and never a noun out of thin air."""

from random import Random

import pytest

from demo.shelves import BY_ID, SHELVES, siblings, taxonomy_nodes
from demo.words import HINTS, NAMED_SHARE, NOUNS, describe, recoloured


def test_titles_are_unlike_each_other():
    rng, taken = Random(0), set()
    titles = [describe(BY_ID["mugs"], "red", rng, taken).title for _ in range(800)]
    assert len({title.lower() for title in titles}) == len(titles)


def test_the_declared_share_of_titles_names_the_product():
    rng = Random(4)
    named = 0
    for number in range(1200):
        shelf = SHELVES[number % len(SHELVES)]
        title = describe(shelf, "red", rng, set()).title
        named += any(noun in title for noun in NOUNS[shelf.id])
    assert named / 1200 == pytest.approx(NAMED_SHARE, abs=0.04)


def test_nouns_are_shared_by_some_siblings():
    shared = [n for n in NOUNS["chairs"] if n in NOUNS["stools"]]
    assert shared == ["seat"]


def test_every_shelf_has_nouns_and_hints():
    assert set(NOUNS) == set(HINTS) == set(BY_ID)


def test_a_variant_keeps_title_and_price():
    rng = Random(8)
    first = describe(BY_ID["boots"], "", rng, set(), colour_in_title=False)
    variant = recoloured(first, BY_ID["boots"], "navy", rng)
    assert (variant.title, variant.price) == (first.title, first.price)


def test_prices_are_positive_and_sometimes_absent():
    rng = Random(6)
    prices = [describe(BY_ID["lamps"], "red", rng, set()).price for _ in range(400)]
    assert 5 < prices.count(None) < 60
    assert all(price > 0 for price in prices if price is not None)


def test_every_lookalike_is_a_sibling():
    for shelf in SHELVES:
        assert BY_ID[shelf.lookalike] in siblings(shelf)


def test_parents_and_children_of_the_tree_agree():
    nodes = {node["id"]: node for node in taxonomy_nodes()}
    roots = [node["id"] for node in nodes.values() if "parent" not in node]
    assert roots == ["main"]
    for node in nodes.values():
        for child in node["subcategories"]:
            assert nodes[child]["parent"] == node["id"]
    assert [n["id"] for n in nodes.values() if not n["subcategories"]] == [s.id for s in SHELVES]
