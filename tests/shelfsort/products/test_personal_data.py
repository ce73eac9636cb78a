"""E-mail addresses and telephone numbers in texts."""

import pytest

from shelfsort.products.personal_data import has_personal_data


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Write to jo.b+x@shop.example.com!", True),
        ("Call +1 (212) 555-0100 now", True),
        ("EAN 4006381333931, 20 x 30 cm", False),
        ("0049 30 901820", True),
        ("GTIN 0012345678905", False),
        ("a@b", False),
        ("Price 1000000000000", False),
    ],
)
def test_addresses_and_numbers_with_country_codes_are_found(text, found):
    assert has_personal_data(text) is found
