import io

from hypothesis import given
from hypothesis import strategies as st

from shelfsort.products.manifest.lines import Line, numbered_lines


def read(content, longest=1000):
    return list(numbered_lines(io.BytesIO(content), longest))


def test_blank_lines_are_numbered_and_skipped():
    assert read(b"a\n\n  \nb") == [Line(1, b"a"), Line(4, b"b")]


def test_a_byte_order_mark_and_carriage_returns_are_dropped():
    assert read(b"\xef\xbb\xbf{}\r\n{}\r\n") == [Line(1, b"{}"), Line(2, b"{}")]


def test_a_line_that_is_too_long_is_marked_and_the_next_one_is_read():
    assert read(b"x" * 5000 + b"\ny\n", longest=100) == [Line(1, b"x" * 101, True), Line(2, b"y")]


def test_a_line_of_exactly_the_longest_length_is_read():
    assert read(b"x" * 10 + b"\n", longest=10) == [Line(1, b"x" * 10)]


def test_of_a_very_long_line_only_the_beginning_is_kept():
    (line,) = read(b"x" * 3_000_000, longest=2_000)
    assert len(line.content) == 1000
    assert line.too_long


@given(st.lists(st.binary(max_size=30).filter(lambda each: b"\n" not in each)))
def test_numbers_are_those_of_the_file(parts):
    content = b"\n".join(parts)
    expected = {n for n, part in enumerate(parts, 1) if part.strip(b"\xef\xbb\xbf \t\r\v\f")}
    found = {line.number for line in read(content)}
    assert expected <= found
    assert all(1 <= number <= len(parts) for number in found)
