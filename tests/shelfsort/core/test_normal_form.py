"""Normal forms are Unicode's, but for letters under a tower of marks."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfsort.core.normal_form import MOST_MARKS, normalised
from shelfsort.products.text import as_read

ABOVE, BELOW = "\u0301", "\u0316"


@given(st.text(max_size=30), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_a_text_of_few_marks_is_normalised_as_unicode_has_it(text, form):
    assert normalised(form, text) == unicodedata.normalize(form, text)


def test_marks_beyond_those_of_any_language_are_left_out():
    assert normalised("NFD", "a" + ABOVE * 31 + "b" + BELOW * 40) == (
        "a" + ABOVE * MOST_MARKS + "b" + BELOW * MOST_MARKS
    )


def test_signs_beside_marks_stay():
    assert normalised("NFD", "☎" * 40 + ABOVE) == "☎" * 40 + ABOVE


@pytest.mark.parametrize("count", [500_000])
def test_a_tower_of_marks_takes_no_longer_than_as_many_letters(count):
    # Seconds for 20,000, and a day for these, where marks are sorted by insertion.
    assert as_read("a" + ABOVE * count + BELOW * count) == "\u00e1" + ABOVE * (MOST_MARKS - 1)
