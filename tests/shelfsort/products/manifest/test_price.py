import pytest

from shelfsort.products.manifest.price import currency_of, lowest_price, parse_price


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


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("₹1,299.00 - ₹1,599.00", 1299.0),
        ("12,50 – 19,90 €", 12.5),
        ("$20-$10", 10.0),
        ("9.99 to 19.99", 9.99),
        ("-5", -5.0),
        ("1-2", 1.0),
    ],
)
def test_of_a_range_the_lower_price_counts(text, price):
    assert lowest_price(text) == price


@pytest.mark.parametrize("text", ["", "sold out", "1 2"])
def test_a_text_without_a_price_is_refused(text):
    with pytest.raises(ValueError):
        lowest_price(text)


@pytest.mark.parametrize(
    ("text", "default", "currency"),
    [
        ("$1,299.00", "", "USD"),
        ("$1,299.00", "AUD", "AUD"),
        ("US$5", "AUD", "USD"),
        ("C$5", "", "CAD"),
        ("1.299,00 €", "USD", "EUR"),
        ("12.50 EUR", "", "EUR"),
        ("CHF 12.-", "", "CHF"),
        ("Rs. 500", "", "INR"),
        ("¥100", "CNY", "CNY"),
        ("100 kr", "SEK", "SEK"),
        ("100 kr", "EUR", ""),
        ("12.50", "GBP", "GBP"),
        ("12.50", "", ""),
    ],
)
def test_a_price_names_its_currency(text, default, currency):
    assert currency_of(text, default) == currency
