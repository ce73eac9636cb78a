"""Every form of data becomes the same lines."""

import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from shelfsort.core.errors import InputError
from shelfsort.products.manifest.parsing import parse_record, read_record
from shelfsort.products.tables.forms import Form, columns_of, form_of
from shelfsort.products.tables.lines import product_lines
from shelfsort.products.tables.rows import Reading
from tests.fixtures.workbook import workbook

HEADER = ("SKU", "Product Name", "Price", "Image URL", "Category", "Stock")
ROWS = [
    ("a1", 'A "fine" mug, blue', 9.5, "a1.jpg", "Kitchen > Mugs", 3),
    ("b2", "Bowl\nfor soup", 12, "b2.jpg", "Kitchen > Bowls", 4),
]


def csv_text(delimiter=","):
    quoted = lambda cell: '"' + str(cell).replace('"', '""') + '"'  # noqa: E731
    return "\n".join(delimiter.join(map(quoted, row)) for row in (HEADER, *ROWS)) + "\n"


def write_parquet(path):
    columns = {name: [row[n] for row in ROWS] for n, name in enumerate(HEADER)}
    parquet.write_table(pa.table(columns), path)


def records():
    return [dict(zip(HEADER, row, strict=True)) for row in ROWS]


WRITTEN = {
    "products.csv": lambda path: path.write_text(csv_text()),
    "products-bom.csv": lambda path: path.write_text(csv_text(), "utf-8-sig"),
    "utf16.csv": lambda path: path.write_text(csv_text(";"), "utf-16"),
    "semicolons.csv": lambda path: path.write_text(csv_text(";")),
    "products.tsv": lambda path: path.write_text(csv_text("\t")),
    "products.xlsx": lambda path: path.write_bytes(workbook({"Products": [HEADER, *ROWS]})),
    "products.parquet": write_parquet,
    "products.json": lambda path: path.write_text(json.dumps(records(), indent=1)),
    "products.jsonl": lambda path: path.write_text("\n".join(map(json.dumps, records()))),
}
NUMBERS = {".csv": [2, 3], ".tsv": [2, 3], ".xlsx": [2, 3]}
FORMS = {
    ".csv": Form.CSV,
    ".tsv": Form.CSV,
    ".xlsx": Form.EXCEL,
    ".parquet": Form.PARQUET,
    ".json": Form.JSON_ARRAY,
    ".jsonl": Form.JSON_LINES,
}


def entries(path, how=None):
    return [parse_record(read_record(line), "category") for line in lines(path, how)]


def lines(path, how=None):
    return list(product_lines(str(path), how or Reading()))


@pytest.mark.parametrize("name", WRITTEN)
def test_each_form_gives_the_same_products_with_their_labels(tmp_path, name):
    path = tmp_path / name
    WRITTEN[name](path)
    assert form_of(str(path)) is FORMS[path.suffix]
    found = entries(path)
    assert [each.product.id for each in found] == ["a1", "b2"]
    assert [each.product.title for each in found] == [ROWS[0][1], ROWS[1][1]]
    assert [each.product.price for each in found] == [9.5, 12.0]
    assert [each.product.image for each in found] == ["a1.jpg", "b2.jpg"]
    assert [each.annotations.result for each in found] == ["Kitchen > Mugs", "Kitchen > Bowls"]
    assert all(each.annotations.answers == () for each in found)
    assert all(each.annotations.confidence == 1.0 for each in found)
    expected = NUMBERS.get(path.suffix, [1, 2])
    assert [line.number for line in lines(path)] == expected
    assert columns_of(str(path), form_of(str(path)), Reading()).unused == ("Stock",)


def test_a_row_after_a_line_break_in_a_cell_has_the_number_of_its_line(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text('id,title\n1,"a\nb"\n\n2,c\n')
    assert [line.number for line in lines(path)] == [2, 5]


def test_images_in_folders_are_products_of_the_folders_category(tmp_path):
    for name in ("Kitchen/Mugs/1.jpg", "Kitchen/Mugs/.2.jpg", "Shoes/3.WebP", "notes.txt", "4.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    found = entries(tmp_path / "photos")
    assert [(each.product.id, each.product.image) for each in found] == [
        ("Kitchen/Mugs/1.jpg", "photos/Kitchen/Mugs/1.jpg"),
        ("Shoes/3.WebP", "photos/Shoes/3.WebP"),
    ]
    assert [each.annotations.result for each in found] == ["Kitchen > Mugs", "Shoes"]


def test_a_manifest_keeps_its_lines(catalogue, make_line):
    catalogue.add(make_line(["shoes"], id="1", title="x"))
    path = catalogue.write()
    assert form_of(path) is Form.MANIFEST
    assert [json.loads(line.content) for line in lines(path)] == [
        make_line(["shoes"], id="1", title="x")
    ]


def test_ids_of_categories_may_be_numbers(tmp_path):
    path = tmp_path / "p.xlsx"
    path.write_bytes(workbook({"A": [("id", "title", "category"), (7, "x", 12), (8, "y", 13.0)]}))
    found = entries(path)
    assert [each.product.id for each in found] == ["7", "8"]
    assert [each.annotations.result for each in found] == ["12", "13"]


def test_a_sheet_is_chosen_by_its_name(tmp_path):
    path = tmp_path / "p.xlsx"
    sheets = {"Notes": [("x",), ("y",)], "Products": [("title", "category"), ("mug", "Mugs")]}
    path.write_bytes(workbook(sheets))
    assert [each.product.title for each in entries(path, Reading(sheet="Products"))] == ["mug"]
    with pytest.raises(InputError, match=r"no sheet 'Product'.*'Notes', 'Products'"):
        entries(path, Reading(sheet="Product"))


def test_the_first_of_several_images_is_taken(tmp_path):
    path = tmp_path / "p.json"
    path.write_text(json.dumps([{"title": "x", "images": ["1.jpg", "2.jpg"]}]))
    assert [each.product.image for each in entries(path)] == ["1.jpg"]


def test_a_row_that_cannot_be_read_is_rejected_and_the_others_are_not(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("id,title\n1,mug, blue\n2,bowl\n3,cup,\n")
    read = [read_record(line) for line in lines(path)]
    assert [each.fault and each.fault.reason for each in read] == ["malformed_row", None, None]


def test_a_row_without_a_category_is_an_unlabelled_product(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("title,category\nmug, \n")
    assert [each.annotations for each in entries(path)] == [None]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.csv", b"id,title\n1,caf\xe9\n", r"p\.csv:2: not utf-8.*data\.encoding=cp1252"),
        ("p.csv", b'id,title\n1,"open\n2,x\n', r"p\.csv:\d: .*quotation mark"),
        ("p.csv", b"id,title,title\n1,a,b\n", r"p\.csv:1: the column 'title' occurs twice"),
        ("p.csv", b"\n \n", r"p\.csv: the table is empty"),
        ("p.csv", b"id,title\n", r"p\.csv: .*no rows"),
        ("p.csv", b"number,colour\n1,red\n", r"no column for a title.*--columns title=NAME"),
        ("p.xlsx", b"no workbook", r"p\.xlsx: .*Save it again"),
        ("p.parquet", b"no table", r"p\.parquet: .*Write it again"),
        ("p.json", b"[1, 2]", r"p\.json: .*no rows"),
        ("p.json", b'[{"title": ]', r"p\.json:1: not JSON"),
    ],
)
def test_what_cannot_be_read_is_refused_with_place_and_remedy(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        entries(path)


def test_another_encoding_is_read_where_it_is_named(tmp_path):
    path = tmp_path / "p.csv"
    path.write_bytes("title\ncafé\n".encode("cp1252"))
    assert [each.product.title for each in entries(path, Reading(encoding="cp1252"))] == ["café"]
    with pytest.raises(InputError, match="no such encoding"):
        entries(path, Reading(encoding="utf8x"))
