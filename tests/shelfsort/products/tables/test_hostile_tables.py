"""Tables that claim far more than they hold end in one line, not in the end of the process."""

import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from shelfsort.core import files
from shelfsort.core.errors import InputError
from shelfsort.products.tables import binary, delimited
from shelfsort.products.tables.apart import rows_apart
from shelfsort.products.tables.delimited import delimited_rows
from shelfsort.products.tables.json_rows import json_array_rows
from tests.fixtures.workbook import workbook


def test_two_cells_far_apart_are_refused_in_one_line(tmp_path):
    path = tmp_path / "far.xlsx"
    path.write_bytes(workbook({"A": [("title", "x")]}, distant=["XFD1048576"]))
    with pytest.raises(InputError, match=r"far\.xlsx: .* takes more than 4 GiB.*CSV") as caught:
        list(rows_apart(str(path), sheet=""))
    assert "\n" not in str(caught.value)


def test_a_file_that_repeats_a_row_too_often_is_refused_before_its_first(tmp_path, monkeypatch):
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"title": ["mug"] * 20}), path)
    monkeypatch.setattr(binary, "MAX_ROWS", 10)
    with pytest.raises(InputError, match=r"rows\.parquet: 20 rows, more than 10"):
        next(binary.parquet_rows(str(path), str(path)))


def test_a_row_longer_than_a_line_of_a_manifest_is_rejected_and_the_others_are_not(tmp_path):
    path = tmp_path / "long.parquet"
    parquet.write_table(pa.table({"title": ["x" * 17_000_000, "mug"]}), path)
    first, second = rows_apart(str(path))
    assert (first.number, first.fault) == (1, "longer than 16 MiB")
    assert second.cells == {"title": "mug"}


def test_nobody_waits_for_the_rows_that_are_not_asked_for(tmp_path):
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"title": [f"mug {n}" for n in range(100_000)]}), path)
    rows = rows_apart(str(path))
    assert next(rows).cells == {"title": "mug 0"}
    rows.close()


def test_a_row_of_a_csv_without_end_is_refused_by_its_line(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "_LONGEST_ROW", 1 << 20)
    path = tmp_path / "endless.csv"
    path.write_text("title,category\nmug,Mugs\n" + '"a\n","b\n",' * 200_000)
    with pytest.raises(InputError, match=r"endless\.csv:\d+: the row is longer than 1 MiB"):
        list(delimited_rows(str(path), "utf-8"))


def test_rows_of_a_csv_may_be_long_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "_LONGEST_ROW", 1 << 20)
    path = tmp_path / "long.csv"
    path.write_text("title\n" + ("x" * 900_000 + "\n") * 3)
    assert [len(row.cells["title"]) for row in delimited_rows(str(path), "utf-8")] == [900_000] * 3


def test_a_header_of_many_columns_is_read(tmp_path):
    path = tmp_path / "wide.csv"
    names = [f"c{n}" for n in range(200_000)]
    path.write_text(",".join(names) + "\n1\n")
    (row,) = delimited_rows(str(path), "utf-8")
    assert (row.cells["c0"], row.cells["c1"], len(row.cells)) == ("1", "", 200_000)


def test_a_json_array_of_too_many_values_is_not_parsed(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_JSON_VALUES", 1000)
    monkeypatch.setattr(json, "loads", None)
    path = tmp_path / "many.json"
    path.write_text("[" + "[]," * 1000 + "[]]")
    with pytest.raises(InputError, match=r"many\.json: holds about 2,002 values"):
        list(json_array_rows(str(path)))
