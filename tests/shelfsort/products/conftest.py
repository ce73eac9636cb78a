"""The longest cell that `csv` takes holds for the whole process, and reading a table raises it."""

import csv
from collections.abc import Iterator

import pytest

USUAL = 128 * 1024


@pytest.fixture(autouse=True)
def usual_cells() -> Iterator[None]:
    before = csv.field_size_limit(USUAL)
    yield
    csv.field_size_limit(before)
