import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.drift_check.profile import (
    SOURCES,
    WORD_BUCKETS,
    Product,
    half_octave,
    properties,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, b"0"),
        (-3.5, b"0"),
        (1, b"0/2"),
        (1.41, b"0/2"),
        (1.42, b"1/2"),
        (2, b"2/2"),
        (0.25, b"-4/2"),
        (100, b"13/2"),
        (math.inf, b"not finite"),
        (math.nan, b"not finite"),
    ],
)
def test_a_number_falls_into_the_bin_worked_out_by_hand(value, expected):
    assert half_octave(value) == expected


@given(st.floats(1e-3, 1e9))
def test_a_number_that_grows_by_half_moves_to_a_higher_bin(value):
    def number(label):
        return int(label.split(b"/")[0])

    assert number(half_octave(1.5 * value)) > number(half_octave(value))


def test_every_property_of_a_labelled_product_has_its_value(product_of):
    found = properties(product_of(6, description="Warm", price=None, image_format=""))
    assert found.keys() == SOURCES.keys()
    assert found["category"] == [b"hats"]
    assert found["price"] == found["image_format"] == [b"none"]
    assert found["title_length"] == [half_octave(6)]
    assert len(found["title_words"]) == 6
    assert len(found["description_words"]) == 1


def test_a_product_in_a_request_has_what_can_be_known_of_it():
    found = properties(Product("", "Red shoes", "", 9.5, False, 0))
    assert found.keys() == {
        "title_words",
        "title_length",
        "description_length",
        "price",
        "has_picture",
    }
    assert found["has_picture"] == [b"no"]


def test_a_product_labelled_with_an_inner_category_counts_for_no_leaf():
    assert "category" not in properties(Product("p", "Red shoes", "", None, False, 0, category=""))


@given(st.text(), st.text(), st.none() | st.floats())
def test_any_text_and_price_has_a_profile(title, description, price):
    found = properties(Product("p", title, description, price, True, 0))
    for values in found.values():
        assert values and all(isinstance(value, bytes) for value in values)
    for name in ("title_words", "description_words"):
        assert all(0 <= int(value) < WORD_BUCKETS for value in found.get(name, []))


def test_case_does_not_make_another_word(product_of):
    shouted = product_of(1, title="RED SHOES")
    assert (
        properties(shouted)["title_words"]
        == properties(product_of(1, title="red shoes"))["title_words"]
    )
