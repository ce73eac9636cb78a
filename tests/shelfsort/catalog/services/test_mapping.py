import pytest

from shelfsort.catalog.rows import Reject, SourceRow
from shelfsort.catalog.services.mapping import Mapper
from tests.fixtures.shop_api import products

FIELDS = {
    "id": ["id"],
    "title": ["brandedName", "name"],
    "price": ["salePrice", "price"],
    "currency": ["currency"],
    "image_urls": ["image.sizes.Best.url", "alternateImages[*].sizes.Best.url"],
    "categories": ["categories[*].id"],
    "brand": ["brand.name"],
}


def mapper(fields=FIELDS, defaults=None):
    hidden = lambda text: text.replace("s3cret", "[key]")  # noqa: E731
    return Mapper(fields, defaults or {}, "https://shop.example/api/products", hidden)


def test_a_product_becomes_a_row():
    assert mapper().row(products(5)[4], "here") == SourceRow(
        id="p0004",
        title="Cup 4",
        price=4.0,
        currency="EUR",
        image_urls=("https://img.example/4.jpg", "https://img.example/4b.jpg"),
        categories=("mugs",),
        brand="Kiln",
    )


def test_the_first_path_with_a_value_counts_and_defaults_fill_in():
    item = {"id": 12345678901234567890, "brandedName": " ", "name": "N", "salePrice": "1.299,50 €"}
    row = mapper(defaults={"currency": "EUR", "brand": "Kiln"}).row(item, "here", ["cups"])
    assert (row.id, row.title, row.price) == ("12345678901234567890", "N", 1299.5)
    assert (row.currency, row.brand, row.categories) == ("EUR", "Kiln", ("cups",))


@pytest.mark.parametrize(
    ("values", "price", "currency"),
    [
        ({"price": 12, "currency": "eur"}, 12.0, "EUR"),
        ({"price": "₹1,299.00 - ₹1,599.00"}, 1299.0, "INR"),
        ({"price": "$5", "currency": "CAD"}, 5.0, "CAD"),
        ({"price": "12.50", "currency": "€"}, 12.5, "EUR"),
        ({"currency": "USD"}, None, "USD"),
    ],
)
def test_prices_bring_their_currency(values, price, currency):
    row = mapper().row({"id": "1", **values}, "here")
    assert (row.price, row.currency) == (price, currency)


def test_relative_addresses_begin_at_the_service():
    item = {"id": "1", "image": {"sizes": {"Best": {"url": "/i/1.jpg"}}},
            "alternateImages": [{"sizes": {"Best": {"url": "//c.example/2.jpg"}}},
                                {"sizes": {"Best": {"url": None}}}]}  # fmt: skip
    assert mapper().row(item, "here").image_urls == (
        "https://shop.example/i/1.jpg",
        "//c.example/2.jpg",
    )


@pytest.mark.parametrize(
    ("item", "reason", "id_"),
    [
        ("text", "no_object", ""),
        ({}, "no_id", ""),
        ({"id": ""}, "no_id", ""),
        ({"id": {"x": 1}}, "no_id", ""),
        ({"id": True}, "no_id", ""),
        ({"id": "1", "name": ["a"]}, "value", "1"),
        ({"id": "1", "price": "many"}, "value", "1"),
        ({"id": "1", "price": "NaN"}, "value", "1"),
        ({"id": "1", "name": "x" * 10_001}, "value", "1"),
        ({"id": "1", "categories": [{"id": {}}]}, "value", "1"),
    ],
)
def test_what_is_no_product_is_rejected_with_its_reason(item, reason, id_):
    reject = mapper().row(item, "page 3, row 2")
    assert isinstance(reject, Reject)
    assert (reject.place, reject.reason, reject.id) == ("page 3, row 2", reason, id_)


def test_no_key_gets_into_a_row():
    item = {
        "id": "1",
        "name": "s3cret",
        "image": {"sizes": {"Best": {"url": "http://h/?k=s3cret"}}},
    }
    row = mapper().row(item, "here")
    assert (row.title, row.image_urls) == ("[key]", ("http://h/?k=[key]",))
    assert "s3cret" not in mapper().row({"key": "s3cret"}, "here").content
