"""The notebook about a catalogue draws every plot of it."""

from datetime import timedelta
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.fixtures.shop import NOW

ROOT = Path(__file__).parents[4]


@pytest.mark.slow
def test_the_notebook_draws_every_plot(shop, monkeypatch):
    shop.tree()
    shop.source("shop")
    red, green = shop.picture("red"), shop.picture("green", size=(300, 200))
    shop.add("shop", "1", red, "gone", categories=["shirts"])
    shop.add("shop", "2", red, green, categories=["shoes"], first_seen=NOW - timedelta(days=50))
    monkeypatch.setenv("SHELFSORT_CATALOG", shop.settings)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(ROOT / "notebooks" / "explore_catalog.ipynb", as_version=4)
    # Raises on the first cell that fails.
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    drawn = [sum("image/png" in each.get("data", {}) for each in cell.outputs) for cell in cells]
    # Categories, sizes, hosts, ages, and a row of the contact sheet for each of two categories.
    assert drawn == [0, 0, 1, 1, 0, 0, 1, 1, 2]
    said = "".join(each.get("text", "") for cell in cells for each in cell.outputs)
    assert "2 products on sale, 2 with a picture" in said
    assert "1 pictures of several products, 2 products" in said
