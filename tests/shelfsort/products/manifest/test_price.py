import pytest

from shelfsort.products.manifest.price import parse_price


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("19.99", 19.99),
        ("$19.99", 19.99),
        ("$1,299.00", 1299.0),
        ("12,50 €", 12.5),
        ("₹1,299", 1299.0),
        ("₹1,29,999.00", 129_999.0),
        ("1.299,00 EUR", 1299.0),
        ("1 299,00 €", 1299.0),
        ("1\u202f299,90\u00a0€", 1299.9),
        ("CHF 1'299.50", 1299.5),
        ("1.299.000", 1_299_000.0),
        ("1,5", 1.5),
        ("12.-", 12.0),
        ("USD 7", 7.0),
        ("1.299", 1.299),
        ("-5", -5.0),
    ],
)
def test_a_price_is_read_as_shops_write_it(text, price):
    assert parse_price(text) == pytest.approx(price)


@pytest.mark.parametrize("text", ["gratis", "$", "10-20", "from 5 to 9", "1,2,3.4.5 or so", "€,."])
def test_what_is_no_single_price_is_none(text):
    with pytest.raises(ValueError):
        parse_price(text)
