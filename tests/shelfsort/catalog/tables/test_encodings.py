"""Which encoding a file has."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shelfsort.catalog.sources.tables import TablesSettings
from shelfsort.catalog.tables.encodings import encoding_of
from shelfsort.core.errors import InputError

GERMAN = "id;title\n1;Größe für Mädchen\n2;Tasse\n"
RUSSIAN = "id;title\n" + "".join(f"{n};Большая синяя чашка для кофе и чая\n" for n in range(40))
JAPANESE = "id;title\n" + "".join(f"{n};大きな青いマグカップです\n" for n in range(40))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"id\n1\n", "utf-8"),
        (GERMAN.encode(), "utf-8"),
        (GERMAN.encode("utf-8-sig"), "utf-8-sig"),
        (GERMAN.encode("cp1252"), "cp1252"),
        (GERMAN.encode("utf-16"), "utf-16"),
        (b"id\n" + b"x" * (2**20 - 4) + "ö".encode(), "utf-8"),
    ],
)
def test_marks_then_utf8_then_cp1252(tmp_path, content, name):
    (tmp_path / "a.csv").write_bytes(content)
    assert encoding_of(str(tmp_path / "a.csv")).name == name


@pytest.mark.parametrize(("text", "encoding"), [(RUSSIAN, "cp1251"), (JAPANESE, "shift_jis")])
def test_other_alphabets_are_detected(tmp_path, text, encoding):
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    found = encoding_of(str(tmp_path / "a.csv"))
    assert text.encode(encoding).decode(found.name) == text
    assert found.why == "line 2 is not UTF-8; detected"


def test_bytes_of_no_encoding_are_one_line(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"id;title\n1;" + bytes(range(0x80, 0x100)) * 300)
    with pytest.raises(InputError, match=r"a\.csv:2: not UTF-8, and no other"):
        encoding_of(str(tmp_path / "a.csv"))


TEXTS = st.text(
    st.characters(codec="cp1252", exclude_categories=("Cc", "Cf")), min_size=1, max_size=12
)


@pytest.mark.slow
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    titles=st.lists(TEXTS.filter(str.strip), min_size=1, max_size=5),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
)
def test_what_was_written_is_read_in_the_encodings_of_spreadsheets(
    tmp_path, titles, encoding, delimiter
):
    lines = [
        delimiter.join((str(number), '"' + title.replace('"', '""') + '"'))
        for number, title in enumerate(titles)
    ]
    content = "\r\n".join([delimiter.join(("id", "title")), *lines])
    (tmp_path / "a.csv").write_bytes(content.encode(encoding))
    # An unknown text of a few letters may be of any alphabet, so cp1252 is named.
    named = encoding if encoding == "cp1252" else ""
    source = TablesSettings(
        name="a", folder=str(tmp_path), files="a.csv", encoding=named, missing=()
    )
    first, *_ = source.open().pages("", "")
    assert [row.title for row in first.rows] == [title.strip() for title in titles]
    assert not first.rejects


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_whatever_the_bytes_the_file_is_read_or_refused_in_one_line(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(b"id,title\n1,a\n" + content)
    source = TablesSettings(name="a", folder=str(tmp_path), files="a.csv").open()
    try:
        pages = list(source.pages("", ""))
    except InputError as error:
        assert "a.csv" in str(error)
        return
    assert any(row.id == "1" for page in pages for row in page.rows)
