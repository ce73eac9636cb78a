"""What begins as a formula is a text to a spreadsheet."""

import pytest

from shelfsort.core.spreadsheets import as_cell


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        '=HYPERLINK("http://x")',
        "-",
    ],
)
def test_a_formula_gets_an_apostrophe(text):
    assert as_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "mug", "a=b", "-5", "+49123", "-1,234.5", "7", "'=1", "é"])
def test_other_texts_and_numbers_stay(text):
    assert as_cell(text) == text
