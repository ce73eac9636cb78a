"""Dotted keys: listed, found under earlier names, and written out as mappings again."""

import pytest

from shelfsort.core.keys import current_key, flat, nested


def test_flat_settings_have_dotted_keys_and_keep_lists_whole():
    assert dict(flat({"a": {"b": {"c": 1}, "d": [2]}, "e": None})) == {
        "a.b.c": 1,
        "a.d": [2],
        "e": None,
    }


@pytest.mark.parametrize(
    ("key", "current"),
    [
        ("old", "new"),
        ("old.inner", "new.inner"),
        ("older", "older"),
        ("a.b", "a.c.b"),
        ("a.b.x", "a.c.b.x"),
        ("a.bb", "a.bb"),
        ("a", "a"),
    ],
)
def test_a_renamed_key_stands_for_all_beneath_it_and_for_nothing_else(key, current):
    assert current_key(key, {"old": "new", "a.b": "a.c.b"}) == current


def test_nesting_a_key_is_the_opposite_of_listing_it():
    assert nested("a.b.c", 1) == {"a": {"b": {"c": 1}}}
    assert list(flat(nested("a.b.c", 1))) == [("a.b.c", 1)]
