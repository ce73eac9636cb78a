"""JSON as TF Serving reads and writes it."""

import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.server import json_text
from serving.status import ServingError


def parsed(body):
    return json_text.parse(json_text.as_text(body))


@pytest.mark.parametrize(
    ("value", "single", "text"),
    [
        (0.2, True, "0.2"),
        (3.0, True, "3.0"),
        (9000000.0, True, "9e+06"),
        (0.00003, True, "3e-05"),
        (1 / 3, True, "0.333333343"),
        (1 / 3, False, "0.33333333333333331"),
        (math.nan, True, "NaN"),
        (math.inf, True, "Infinity"),
        (-math.inf, False, "-Infinity"),
        (-0.0, True, "-0.0"),
    ],
)
def test_numbers_have_the_fewest_digits_that_read_back(value, single, text):
    if single:
        value = float(np.float32(value))
    assert json_text.decimal(value, single) == text


@given(st.floats(width=32, allow_nan=False))
def test_a_single_float_reads_back(value):
    assert np.float32(json_text.decimal(value, single=True)) == np.float32(value)


@given(st.floats(allow_nan=False))
def test_a_double_reads_back(value):
    assert float(json_text.decimal(value, single=False)) == value


@given(st.binary(max_size=200))
def test_any_bytes_pass_through_a_string(data):
    document = json_text.encode('{"s": ' + json_text.quoted(data) + "}")
    assert json_text.to_bytes(parsed(document)["s"]) == data


@given(st.binary(max_size=200))
def test_garbage_is_an_invalid_argument_or_an_object(data):
    try:
        document = parsed(data)
    except ServingError as error:
        assert error.code.name == "INVALID_ARGUMENT"
    else:
        assert document == json.loads(data)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"a" 1}',
        b"{} x",
        b"[" * 100_000,
        b'{"a": ' + b"1" * 5000 + b"}",
        b"[1]",
    ],
)
def test_what_is_no_object_is_an_invalid_argument(body):
    with pytest.raises(ServingError) as refusal:
        parsed(body)
    assert refusal.value.code.name == "INVALID_ARGUMENT"


def test_a_parse_error_says_where():
    with pytest.raises(ServingError, match="line 2 column 3"):
        parsed(b'{"a": [1,\n2 3]}')


def test_the_last_of_duplicate_keys_counts():
    assert parsed(b'{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize("text", ["x", "é", "語", "😀", "\udc80", "a語b", "x😀"])
def test_a_text_takes_no_more_than_is_said(text):
    body = (text * 1000).encode("utf-8", "surrogateescape")
    taken = 2 * sys.getsizeof(json_text.as_text(body))
    assert taken - 300 <= json_text.text_bytes(body) <= 4 * taken


def test_an_escaped_character_may_widen_the_strings():
    assert json_text.text_bytes(b"x" * 994 + b"\\u1234") == 1000 + 4000


def test_half_a_surrogate_pair_is_no_string():
    with pytest.raises(ServingError):
        json_text.to_bytes(parsed(rb'{"s": "\ud800"}')["s"])


def test_an_error_holds_no_half_of_a_surrogate_pair():
    assert json.loads(json_text.error_body("\ud800 \U0001f600"))["error"] == "? \U0001f600"
    assert json.loads(json_text.error_body("\udcff"))["error"] == "?"


@pytest.mark.parametrize("text", ["aGk=", "aGk", " aG\nk= "])
def test_base64_may_lack_padding(text):
    assert json_text.from_base64({"b64": text}) == b"hi"


@pytest.mark.parametrize("text", ["a", "ä", "a*=="])
def test_what_is_no_base64_is_refused(text):
    with pytest.raises(ServingError, match="Unable to base64 decode"):
        json_text.from_base64({"b64": text})
