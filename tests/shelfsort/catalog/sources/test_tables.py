"""Products in files of every form that shops write."""

import json
import os

import pytest

from shelfsort.catalog.rows import SourceRow, StaleCursorError
from shelfsort.catalog.sources.tables import TablesSettings
from shelfsort.core.errors import InputError


@pytest.fixture
def source(tmp_path):
    """Opens the files of a folder that is filled from names and texts."""

    def opened(written, **more):
        for name, content in written.items():
            content = content if isinstance(content, bytes) else content.encode()
            (tmp_path / name).write_bytes(content)
        given = {"name": "shop", "folder": str(tmp_path), "files": ".", **more}
        return TablesSettings(**given).open()

    return opened


def read(source):
    pages = list(source.pages("", ""))
    rows = [row for page in pages for row in page.rows]
    rejects = [reject for page in pages for reject in page.rejects]
    return rows, rejects, [note for page in pages for note in page.notes]


def test_all_fields_are_recognised_by_the_names_of_their_columns(source):
    head = "SKU,Product Name,Body,Price,EAN,Vendor,MPN,Post ID,Position,"
    more = "Image URL,image_url_2,Additional Image Link,Category,Product Type\n"
    row = '7,Mug,Blue,"1.299,00 €",4006381333931,Acme,M-7,post 1,2,'
    links = "https://a.test/1.jpg,https://a.test/2.jpg,https://a.test/3.jpg,Home > Mugs,Mugs\n"
    rows, rejects, notes = read(source({"a.csv": head + more + row + links}))
    assert rows == [
        SourceRow(
            id="7",
            title="Mug",
            description="Blue",
            price=1299.0,
            currency="EUR",
            image_urls=tuple(f"https://a.test/{n}.jpg" for n in (1, 2, 3)),
            categories=("Home > Mugs", "Mugs"),
            gtin="4006381333931",
            brand="Acme",
            mpn="M-7",
            part_of="post 1",
            position=2,
        )
    ]
    assert (rejects, notes) == ([], [])


def test_named_columns_win_and_an_empty_name_means_none(source):
    text = "nr;name;label;shelf\n1;Mug;Big mug;Kitchen\n"
    columns = {"id": "nr", "title": "label", "categories": ["shelf", "name"], "brand": ""}
    rows, _, _ = read(source({"a.csv": text}, columns=columns))
    assert rows == [SourceRow(id="1", title="Big mug", categories=("Kitchen", "Mug"))]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"title": "titles"}, r"a\.csv: no column 'titles' for title; nearest: 'title'"),
        ({"id": ""}, r"a\.csv: no column for the id"),
    ],
)
def test_a_column_that_is_not_there_is_one_line(source, columns, said):
    with pytest.raises(InputError, match=said):
        read(source({"a.csv": "id,title\n1,Mug\n"}, columns=columns))


@pytest.mark.parametrize("wrong", [{"titles": "a"}, {"title": ["a", "b"]}])
def test_an_unknown_field_and_two_columns_of_a_title_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="columns"):
        TablesSettings(name="shop", folder=str(tmp_path), files="a", columns=wrong)


@pytest.mark.parametrize(
    ("cell", "separator", "urls"),
    [
        ('["https://a.test/1", "https://a.test/2"]', "", ["https://a.test/1", "https://a.test/2"]),
        ("https://a.test/1|https://a.test/2", "", ["https://a.test/1", "https://a.test/2"]),
        ("https://a.test/1, https://a.test/2", "", ["https://a.test/1", "https://a.test/2"]),
        ("https://a.test/1?x=a,b", "", ["https://a.test/1?x=a,b"]),
        ("https://a.test/1##https://a.test/2", "##", ["https://a.test/1", "https://a.test/2"]),
        ('[{"url": "https://a.test/1"}]', "", ["https://a.test/1"]),
        ("[no list", "", ["[no list"]),
        ("N/A", "", []),
    ],
)
def test_a_cell_may_hold_several_pictures(source, cell, separator, urls):
    # JSON Lines hold the cell as it is, whatever its marks.
    table = json.dumps({"id": 1, "image": cell})
    rows, _, _ = read(source({"a.jsonl": table}, separator=separator))
    assert list(rows[0].image_urls) == urls


def test_prices_that_are_none_are_missing_and_others_are_rejected_with_their_row(source):
    table = "id,price\n1,N/A\n2,\n3,call us\n4,$5 - $9\n5,-\n"
    rows, rejects, _ = read(source({"a.csv": table}, missing=["N/A", "-"]))
    assert [(row.id, row.price, row.currency) for row in rows] == [
        ("1", None, ""),
        ("2", None, ""),
        ("4", 5.0, "USD"),
        ("5", None, ""),
    ]
    assert [(each.place, each.reason, each.id) for each in rejects] == [("a.csv:4", "price", "3")]


def test_a_decimal_comma_and_a_currency_can_be_set(source):
    rows, _, _ = read(source({"a.csv": "id;price\n1;1.299\n2;9,5\n"}, decimal=",", currency="CHF"))
    assert [(row.price, row.currency) for row in rows] == [(1299.0, "CHF"), (9.5, "CHF")]


def test_ragged_rows_and_rows_without_an_id_are_rejected(source):
    table = 'id,title\n1,a,b\n,Mug\n2,"Mug"x\n3\n4,Bowl\n'
    rows, rejects, _ = read(source({"a.csv": table}))
    assert [row.id for row in rows] == ["3", "4"]
    assert [(each.place, each.reason) for each in rejects] == [
        ("a.csv:2", "malformed_row"),
        ("a.csv:3", "no_id"),
        ("a.csv:4", "malformed_row"),
    ]
    assert json.loads(rejects[1].content) == {"id": "", "title": "Mug"}


@pytest.mark.parametrize(
    "cells", ['"position": "inf"', '"position": 1e300', f'"price": {"9" * 400}', '"price": 1e999']
)
def test_a_number_without_measure_is_one_row_in_quarantine(source, cells):
    rows, rejects, _ = read(source({"a.jsonl": f'{{"id": 1, {cells}}}\n{{"id": 2}}\n'}))
    assert [row.id for row in rows] == ["2"]
    assert [(each.place, each.id) for each in rejects] == [("a.jsonl:1", "1")]


def test_the_header_of_a_file_that_was_joined_to_another_is_no_product(source):
    rows, rejects, _ = read(source({"a.csv": "id,title\n1,Mug\nid,title\n2,Jug\n"}))
    assert [row.id for row in rows] == ["1", "2"]
    assert [(each.place, each.detail) for each in rejects] == [("a.csv:3", "the header again")]


def test_short_rows_are_told_and_a_file_that_ends_within_a_row_is_noticed(source):
    first = "id,title,price\n1,Mug,2\n2,Bowl\n3\n4,Jug,5\n"
    rows, rejects, notes = read(
        source({"1.csv": first, "2.csv": "id,title\n5\n", "3.csv": first[:-3]})
    )
    assert [(row.id, row.price) for row in rows] == [
        *(("1", 2.0), ("2", None), ("3", None), ("4", 5.0), ("5", None)),
        *(("1", 2.0), ("2", None), ("3", None)),
    ]
    assert [(each.place, each.reason) for each in rejects] == [("3.csv:5", "malformed_row")]
    counted = [note.partition(" rows ")[0] for note in notes]
    assert counted == ["1.csv: 2", "2.csv: 1", "3.csv: 2"]
    assert "first in line 3" in notes[0]


def test_several_forms_and_encodings_in_one_folder_and_it_says_which(source):
    files = {
        "1.csv": b"id,title\n1,Tasse\n",
        "2.tsv": "id\ttitle\n2\tGröße\n".encode("cp1252"),
        "3.jsonl": '{"id": 3, "title": "Straße"}\n{"id": 4\n[]\n',
        "4.csv": "\ufeffid,title\n5,Größe\n".encode("utf-16"),
        "5.csv": "id,title\n",
        ".part.csv": "id,title\n9,incomplete\n",
    }
    rows, rejects, notes = read(source(files))
    assert [(row.id, row.title) for row in rows] == [
        ("1", "Tasse"),
        ("2", "Größe"),
        ("3", "Straße"),
        ("5", "Größe"),
    ]
    assert [(each.place, each.reason) for each in rejects] == [
        ("3.jsonl:2", "not_json"),
        ("3.jsonl:3", "not_an_object"),
    ]
    assert [note.split(" (")[0] for note in notes] == [
        "2.tsv: read as cp1252",
        "4.csv: read as utf-16",
        "5.csv: a header without rows",
    ]


@pytest.mark.slow
def test_excel_and_parquet_hold_lists_and_numbers(source, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tests.fixtures.workbook import workbook

    table = {"id": [1, 2], "price": [1.5, None], "image": [["https://a.test/1"], []]}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    sheets = {"Sheet": [["id", "title"], [3, "Mug"]]}
    rows, rejects, _ = read(source({"b.xlsx": workbook(sheets)}))
    assert rejects == []
    assert [(row.id, row.title, row.price, row.image_urls) for row in rows] == [
        ("1", "", 1.5, ("https://a.test/1",)),
        ("2", "", None, ()),
        ("3", "Mug", None, ()),
    ]


def test_an_unchanged_folder_is_not_read_and_a_touched_file_is(source, tmp_path):
    opened = source({"a.csv": "id\n1\n"})
    *_, last = opened.pages("", "")
    (page,) = opened.pages("", last.state)
    assert page.unchanged
    os.utime(tmp_path / "a.csv", (1, 1))
    first, *_ = opened.pages("", last.state)
    assert [row.id for row in first.rows] == ["1"]


def test_reading_goes_on_within_a_file(source, monkeypatch):
    monkeypatch.setattr("shelfsort.catalog.tables.pages._PAGE_ROWS", 2)
    opened = source({"a.csv": "id\n1\n2\n3\n", "b.csv": "id\n4\n5\n6\n"})
    pages = list(opened.pages("", ""))
    assert [[row.id for row in page.rows] for page in pages] == [
        ["1", "2"],
        ["3"],
        ["4", "5"],
        ["6"],
        [],
    ]
    for number, page in enumerate(pages[:-1]):
        assert list(opened.pages(page.cursor, "")) == pages[number + 1 :]


def test_a_folder_that_changes_meanwhile_is_read_again(source, tmp_path):
    opened = source({"a.csv": "id\n1\n"})
    pages = opened.pages("", "")
    cursor = next(pages).cursor
    (tmp_path / "b.csv").write_text("id\n2\n")
    assert [page.state for page in pages] == [""]
    with pytest.raises(StaleCursorError):
        next(opened.pages(cursor, ""))


@pytest.mark.parametrize("files", ["none.csv", "*.csv", "empty"])
def test_files_that_are_not_there_are_one_line(source, tmp_path, files):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=files.replace("*", r"\*")):
        next(source({}, files=files).pages("", ""))
