"""Text of strangers is stored whole, or with a sign in place of what no database takes."""

import json
import math

from shelfsort.core.database.texts import storable, storable_json


def test_only_what_no_database_takes_is_replaced():
    assert storable("a\0b\ud800c\u202e\x1b") == "a\ufffdb?c\u202e\x1b"


def test_json_stays_json_whatever_its_texts_are():
    value = {"a\0": ["\\u0000", "\\\\u0000\0", "\udc00", math.nan, math.inf, 1.5, True, None]}
    assert json.loads(storable_json(value)) == {
        "a\ufffd": ["\\u0000", "\\\\u0000\ufffd", "?", None, None, 1.5, True, None]
    }
