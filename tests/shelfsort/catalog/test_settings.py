"""Settings that do not fit: every fault with its line."""

import pytest

from shelfsort.catalog.settings import load_settings
from shelfsort.core.errors import InputError


def faults(tmp_path, text):
    (tmp_path / "catalog.yaml").write_text(text)
    with pytest.raises(InputError) as refused:
        load_settings(str(tmp_path / "catalog.yaml"))
    return [each.removeprefix(f"{tmp_path}/") for each in refused.value.faults]


def test_every_fault_is_told_with_its_line_in_the_order_of_the_file(tmp_path):
    text = """database: 7
fetch:
  connections: none
  contact: a@b.example
  prots: [80]
sources:
  shop:
    type: tables
    contract: {most_price: cheap, least_share: 2}
    rewrite:
      - {pattern: "["}
      - {pattern: a, replacement: '\\1'}
  other: {type: feed}
  third: {type: sql, query: select 1}
"""
    found = faults(tmp_path, text)
    assert [each.partition(": ")[0] for each in found] == [
        f"catalog.yaml:{line}" for line in (1, 3, 5, 7, 9, 9, 11, 12, 13, 14)
    ]
    assert "no setting 'fetch.prots'" in found[2]
    assert "sources.shop.files is missing" in found[3]
    assert "third" in found[-1] and "url_variable" in found[-1]


def test_one_fault_is_one_line_and_very_many_are_cut(tmp_path):
    assert len(faults(tmp_path, "sources: {shop: {type: tables, files: a.csv, x: 1}}")) == 1
    many = "".join(f"x{n}: 1\n" for n in range(50))
    found = faults(tmp_path, many + "sources: {shop: {type: tables, files: a.csv}}")
    assert len(found) == 21
    assert found[-1] == "catalog.yaml: and 30 faults more."
