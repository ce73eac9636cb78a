import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfsort.core.terminal import json_text, one_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        (
            "th\u00e9i\u00e8re \u8336\u58f6 \U0001f468\u200d\U0001f373",
            "th\u00e9i\u00e8re \u8336\u58f6 \U0001f468\u200d\U0001f373",
        ),
        ("\x1b]0;title\x07\x1b[2J", r"\x1b]0;title\x07\x1b[2J"),
        ("a\nb\r\nc\td", r"a\nb\r\nc\td"),
        ("\x9b31m\x7f\x00", r"\x9b31m\x7f\x00"),
        ("gpj\u202egnp", r"gpj\u202egnp"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("half \ud800", r"half \ud800"),
        ("\u2066x\u2069 \ufeff \U000e0041", r"\u2066x\u2069 \ufeff \U000e0041"),
    ],
)
def test_what_moves_the_cursor_or_the_eye_is_escaped(text, shown):
    assert one_line(text) == shown


@given(st.text(st.characters(codec=None)))
def test_any_text_is_one_line_that_can_be_encoded(text):
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    line.encode()
    assert not any(unicodedata.category(each) == "Cc" for each in line)


def test_lines_of_ours_stay_lines():
    assert printable("a\n\x1bb\n") == "a\n\\x1bb\n"


@given(st.text(st.characters(codec=None)), st.sampled_from([None, 1]))
def test_json_is_read_back_and_moves_neither_cursor_nor_eye(text, indent):
    shown = json_text({text: [text]}, indent)
    assert json.loads(shown) == {text: [text]}
    shown.encode()
    assert one_line(shown.replace("\n", "")) == shown.replace("\n", "")


def test_json_keeps_what_can_be_seen():
    assert json_text(["th\u00e9 \u8336 \U0001f468\u200d\U0001f373", "\x9b1m\x7f\u202e"]) == (
        '["th\u00e9 \u8336 \U0001f468\u200d\U0001f373", "\\u009b1m\\u007f\\u202e"]'
    )
