"""Which categories are taken for misspelt ones."""

import time

import pytest

from shelfsort.products.misspelt import misspelt


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("Mgus", "Mugs"),
        ("Mug", "Mugs"),
        ("Muggs", "Mugs"),
        ("mugs", "Mugs"),
        ("Kitchen >  Mugs", "Kitchen > Mugs"),
        ("Kitchem > Mugs", "Kitchen > Mugs"),
        ("Bowls > Sandels", "Bowls > Sandals"),
        ("ÉTAGÈRE", "Étagères"),
    ],
)
def test_a_rare_name_one_letter_off_a_common_one_is_told(wrong, right):
    assert misspelt({right: 40, wrong: 2, "Chairs": 40}) == [(wrong, right)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tops", "Toys"),
        ("Size 38", "Size 39"),
        ("Men", "Women"),
        ("Mugs", "Bowls"),
        ("Tie", "Pie"),
        ("A", "AA"),
    ],
)
def test_names_of_two_categories_are_not(one, other):
    assert misspelt({other: 40, one: 2}) == []


def test_what_is_not_much_rarer_is_a_category_of_its_own():
    assert misspelt({"Mugs": 40, "Mug": 5}) == []
    assert misspelt({"Mugs": 400, "Mug": 12}) == []
    assert misspelt({"Mugs": 9, "Mug": 1}) == []
    assert misspelt({}) == []


def test_the_most_common_name_is_meant():
    assert misspelt({"Sandals": 40, "Sandal": 90, "Sandalls": 1}) == [("Sandalls", "Sandals")]
    assert misspelt({"Mugs": 40, "Mugi": 90, "Mug": 1}) == [("Mug", "Mugi")]


def test_thousands_of_categories_take_no_time():
    names = {
        f"Department {n % 50} > Shelf {'abcdefghij'[n % 10] * 3}{n}": n % 30 for n in range(9000)
    }
    started = time.process_time()
    misspelt(names)
    assert time.process_time() - started < 10
