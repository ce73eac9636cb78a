"""The page of settings: written from the settings, complete, and up to date."""

import dataclasses
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config import Config
from pipeline.renamed_keys import RENAMED

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def tables(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import settings_tables

    return settings_tables


def _keys(section: type, prefix: str = "") -> Iterator[str]:
    for name, kind in typing.get_type_hints(section).items():
        if dataclasses.is_dataclass(kind):
            yield from _keys(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_the_page_is_up_to_date(tables):
    page = tables.PAGE.read_text("utf-8")
    assert tables.with_tables(page) == page, "stale: run `make docs-config`"


def test_every_key_has_one_row_with_value_default_and_meaning(tables):
    rows = [line for line in tables.PAGE.read_text("utf-8").splitlines() if line[:3] == "| `"]
    cells = {row.split(" | ")[0].strip("| `"): row.strip("|").split(" | ") for row in rows}
    for key in _keys(Config):
        assert len(cells[key]) == 4, key
        assert all(cell.strip() for cell in cells[key]), key


def test_every_renamed_key_is_on_the_page(tables):
    page = tables.PAGE.read_text("utf-8")
    _, _, renamed = page.partition("## Renamed keys")
    for old, new in RENAMED.items():
        assert "." in old or (f"`{old}`" in renamed and f"`{new}`" in renamed)


def test_a_page_without_a_place_for_the_tables_is_refused(tables):
    with pytest.raises(ValueError, match="must have one block"):
        tables.with_tables("# Configuration\n")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1}, "integer at least 1"),
        ({"type": "number", "minimum": 0, "maximum": 1}, "number from 0 to 1"),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, None),
        ({"enum": ["a", "b"], "type": "string"}, "`a`, `b`"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text, or `null`"),
        ({"type": "array", "items": {"type": "string"}}, "list of text"),
    ],
)
def test_values_are_described_by_kind_and_range(tables, schema, words):
    assert tables._described(schema) == (words or "number above 0 and below 1")
