"""Reads YAML from outside: the line of each key, and a one-line error for anything else."""

import re

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from shelfsort.core.errors import InputError
from shelfsort.core.yaml import (
    MAX_BYTES,
    MAX_DEPTH,
    parse_mapping,
    parse_value,
    read_documents,
    read_mapping,
)

ALPHABET = "ab1:-?,[]{}&*!|>'\"%@#=.~ \n\t<\x00\u2028é"
BOMB = "\n".join(["a0: &a0 [1, 1]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))])
MERGES = "\n".join(
    ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40))]
)
CHAIN = "\n".join(["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 5000))])
DEEP = "[" * 10_000


def test_every_key_and_every_item_of_a_list_has_its_line():
    document = parse_mapping("a: 1\nb:\n  c:\n    - {d: 2}\n  e: {f: 3}\n", "x")
    assert document.value == {"a": 1, "b": {"c": [{"d": 2}], "e": {"f": 3}}}
    assert document.lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 3,
        ("b", "c", "0"): 4,
        ("b", "c", "0", "d"): 4,
        ("b", "e"): 5,
        ("b", "e", "f"): 5,
    }


def test_an_anchor_is_read_wherever_an_alias_names_it():
    assert parse_mapping("a: &x {y: [1]}\nb: *x\n", "x").value == {"a": {"y": [1]}, "b": {"y": [1]}}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n...\n", "{}", "null"])
def test_an_empty_document_is_an_empty_mapping(text):
    assert parse_mapping(text, "x").value == {}


@given(st.text(st.sampled_from(ALPHABET)) | st.text())
@example("a: 2024-13-45")
@example("a: !!timestamp x")
@example("a: !!bool x")
@example("a: !!int ''")
@example("a: " + "9" * 5000)
@example("? [a]\n: b")
@example("a: &a [*a]")
@example("a: \ud800")
@example(BOMB)
@example(MERGES)
@example(CHAIN)
@example(DEEP)
def test_any_text_is_a_mapping_or_an_error_of_one_line_that_names_a_line(text):
    try:
        assert isinstance(parse_mapping(text, "file").value, dict)
    except InputError as refused:
        said = re.fullmatch(r"file:(\d+): .+", str(refused))
        assert said
        assert 1 <= int(said[1]) <= len(text.splitlines()) + 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=12,
    )
)
def test_what_was_written_is_read_again(value):
    assert parse_mapping(yaml.safe_dump({"key": value}), "x").value == {"key": value}
    assert parse_value(yaml.safe_dump(value), "x") == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "x:5: 'c' is given twice, first in line 3"),
        (BOMB, "x:18: more than 500,000 values"),
        (MERGES, "x:18: more than 500,000 values"),
        (CHAIN, f"x:{MAX_DEPTH}: .*nested too deeply"),
        (DEEP, "x:1: nested too deeply"),
        ("a:\n  b: &b\n    c: *b\n", "x:3: 'b' contains itself"),
        ("a: 1\n---\nb: 2\n", "x:1: one mapping"),
        ("- a\n", "x:1: one mapping"),
        ("a:\n  - 1\n b: 2\n", "x:3: "),
        ("a: b\nc: \x07\n", "x:2: special characters"),
    ],
)
def test_what_is_refused_is_named_with_its_line(text, said):
    with pytest.raises(InputError, match=f"^{said}"):
        parse_mapping(text, "x")


def test_a_file_that_is_missing_large_or_no_text_is_refused(tmp_path):
    path = tmp_path / "x.yaml"
    with pytest.raises(InputError, match=r"x\.yaml: cannot be read"):
        read_mapping(str(path))
    path.write_bytes(b"a: \xff")
    with pytest.raises(InputError, match=r"x\.yaml: cannot be read"):
        read_mapping(str(path))
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(InputError, match="is larger than 4 MiB"):
        read_mapping(str(path))


def test_documents_of_a_file_are_read_in_order_each_with_its_lines(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("a: 1\n---\n\nb: 2\n")
    first, second = read_documents(str(path))
    assert (first.value, second.value) == ({"a": 1}, {"b": 2})
    assert (first.lines, second.lines) == ({("a",): 1}, {("b",): 4})


def test_a_value_of_several_documents_is_refused():
    with pytest.raises(InputError, match="--set a: one value is expected"):
        parse_value("1\n---\n2", "--set a")
