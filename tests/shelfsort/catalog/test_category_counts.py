"""Products by category before and after the crosswalk."""

import pytest

from shelfsort.catalog.category_counts import Sorted, balance, category_counts
from shelfsort.catalog.crosswalk import IGNORE, Crosswalk
from shelfsort.products.taxonomy import Taxonomy
from tests.fixtures.catalogue import TREE

FOUND = Crosswalk(
    {("", "tees"): "shirts", ("", "boots"): "shoes", ("", "gifts"): IGNORE},
    Taxonomy.from_nodes(TREE),
)
PRODUCTS = [
    Sorted("a", ("Tees", "Sale"), 30),
    Sorted("b", ("tees",), 10),
    Sorted("a", ("Sale", "Boots"), 5),
    Sorted("a", ("Boots", "Tees"), 2),
    Sorted("a", ("Gifts",), 4),
    Sorted("a", ("Sale",), 3),
    Sorted("a", (), 1),
]


def test_products_are_counted_before_and_after():
    found = category_counts(iter(PRODUCTS), FOUND, least=8)
    assert (found.products, found.mapped, found.ignored, found.uncategorised) == (55, 47, 4, 1)
    assert found.before["a", "Sale"] == 8
    assert found.after == {"shirts": 40, "shoes": 7}
    assert found.from_["shirts"] == {("a", "Tees"): 30, ("b", "tees"): 10}
    assert found.unmapped == {("a", "Gifts"): 4, ("a", "Sale"): 3}
    assert found.several == {("shoes", "shirts"): 2}
    assert (found.rare, found.kept) == ({"shoes": 7}, {"shirts": 40})


def test_the_balance_of_equal_categories_is_their_number():
    even = balance({"a": 5, "b": 5, "c": 5, "d": 0})
    assert (even.categories, even.ratio) == (3, 1.0)
    assert even.effective == pytest.approx(3.0)


def test_the_balance_of_unequal_categories_is_by_hand():
    uneven = balance({"a": 3, "b": 1})
    assert uneven.ratio == 3.0
    assert uneven.effective == pytest.approx(4 / 3**0.75)
    assert balance({}).categories == 0
