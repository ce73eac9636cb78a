"""CSV files that break the rules, where the caller takes what can be read of them."""

import pytest

from shelfsort.core.errors import InputError
from shelfsort.products.tables.delimited import delimited_rows
from shelfsort.products.tables.rows import Dialect

TOLERANT = Dialect(tolerant=True)


@pytest.fixture
def rows(tmp_path):
    def read(text, dialect=TOLERANT):
        path = tmp_path / "a.csv"
        path.write_text(text, encoding="utf-8", newline="")
        return [
            (row.number, dict(row.cells), row.fault)
            for row in delimited_rows(str(path), "utf-8", dialect)
        ]

    return read


def test_a_broken_row_is_a_fault_and_the_next_is_read(rows):
    found = rows('id,title\n1,"a"b\n2,"two\nlines"\n3,c,d\n4\n5,e,\n')
    assert [(number, cells) for number, cells, fault in found if not fault] == [
        (3, {"id": "2", "title": "two\nlines"}),
        (6, {"id": "4"}),
        (7, {"id": "5", "title": "e"}),
    ]
    assert [number for number, _, fault in found if fault] == [2, 5]


def test_an_open_quotation_mark_at_the_end_is_a_fault(rows):
    assert [fault != "" for _, _, fault in rows('id,title\n1,a\n2,"b\n')] == [False, True]


def test_columns_with_one_name_are_numbered_or_refused(rows):
    ((_, cells, _),) = rows("id,image,image 2,image\n1,a,b,c\n")
    assert cells == {"id": "1", "image": "a", "image 2": "b", "image 3": "c"}
    with pytest.raises(InputError, match=r"a\.csv:1: the column 'image' occurs twice"):
        rows("id,image,image\n1,a,b\n", Dialect())


def test_delimiter_quote_and_escape_can_be_named(rows):
    dialect = Dialect(delimiter="#", quote="'", escape="\\")
    ((_, cells, _),) = rows("id#title\n1#'a#\\'b,\"'\n", dialect)
    assert cells == {"id": "1", "title": "a#'b,\""}
    ((_, cells, _),) = rows('id\ttitle\n1\t"5 inch\n', Dialect(quote=""))
    assert cells["title"] == '"5 inch'


def test_the_first_row_has_every_column(rows):
    assert [cells for _, cells, _ in rows("id,title\n1\n2\n")] == [
        {"id": "1", "title": ""},
        {"id": "2"},
    ]
