"""What leaves the catalogue: the right products, one picture of each, and why not the rest."""

import pytest

from shelfsort.catalog.output.alike import Alike
from shelfsort.catalog.output.labels import path_label, settings_label
from shelfsort.catalog.output.selection import Selection, Wanted
from shelfsort.catalog.settings import load_settings
from shelfsort.core.database.engine import reader
from tests.fixtures.shop import NOW


def chosen(shop, **wanted):
    """What a selection gives, and how many it left out by reason."""
    with reader(shop.engine) as connection:
        licences = {name: each["licence"] for name, each in shop.sources.items()}
        selection = Selection(connection, Wanted(licences, **wanted))
        return list(selection), dict(selection.left_out)


def test_a_product_comes_with_its_first_picture_that_may_be_used(shop):
    shop.source("shop")
    dead, bad = "gone", shop.picture("red", problem="placeholder")
    good, later = shop.picture("green", size=(40, 30)), shop.picture("blue")
    shop.add("shop", "a", dead, bad, good, later, price=2.5, currency="EUR")
    [each], left_out = chosen(shop)
    assert (each.id, each.price, each.currency, each.licence) == ("shop:a", 2.5, "EUR", "CC-BY-4.0")
    assert (each.picture.digest, each.picture.width, each.picture.height) == (good, 40, 30)
    assert each.picture.url == "https://shop.example/3.jpg"
    assert each.picture.fetched == NOW
    assert left_out == {}


def test_each_product_that_stays_has_one_reason(shop):
    shop.source("shop")
    shop.source("bare", licence="")
    red, green = shop.picture("red"), shop.picture("green")
    shop.add("shop", "sold out", red, gone=NOW)
    shop.add("shop", "dead", "gone")
    shop.add("shop", "no link")
    shop.add("bare", "unlicensed", green)
    shop.add("shop", "kept", green)
    shop.add("shop", "again", green)
    products, left_out = chosen(shop, licensed=True)
    assert [each.source_id for each in products] == ["kept"]
    assert left_out == {"gone": 1, "no_image": 2, "no_licence": 1, "same_picture": 1}


def test_products_without_pictures_need_words(shop):
    shop.source("shop")
    shop.add("shop", "words")
    shop.add("shop", "nothing", title=" ")
    products, left_out = chosen(shop, without_images=True)
    assert [(each.source_id, each.picture) for each in products] == [("words", None)]
    assert left_out == {"no_content": 1}


@pytest.mark.parametrize(
    ("one_per", "kept"),
    [("product", "abcde"), ("picture", "abc"), ("group", "ab")],
)
def test_copies_are_kept_as_wanted(shop, one_per, kept):
    shop.source("shop")
    red, crimson, green = (shop.picture(each) for each in ("red", "crimson", "green"))
    shop.same(red, crimson)
    blue = shop.picture("blue")
    shop.add("shop", "a", red, variants=7)
    shop.add("shop", "b", green, variants=0)
    shop.add("shop", "c", blue, variants=7)
    shop.add("shop", "d", crimson, variants=8)
    shop.add("shop", "e", green, variants=0)
    products, _ = chosen(shop, one_per=one_per)
    assert "".join(each.source_id for each in products) == kept


def test_sources_can_be_chosen(shop):
    shop.source("one")
    shop.source("two")
    shop.add("one", "a", shop.picture("red"))
    shop.add("two", "a", shop.picture("blue"))
    assert [each.id for each in chosen(shop)[0]] == ["one:a", "two:a"]
    assert [each.id for each in chosen(shop, sources=["two"])[0]] == ["two:a"]


def test_only_trusted_categories_become_labels(shop):
    shop.tree()
    shop.source("shop")
    shop.source("forum")
    colours = iter(("red", "green", "blue", "black"))
    for source, id_, categories in (
        ("shop", "path", ["Sale", "Clothes > Shirts"]),
        ("shop", "id", ["trousers"]),
        ("shop", "inner", ["Clothes"]),
        ("shop", "none", []),
        ("forum", "rumour", ["shirts"]),
    ):
        picture = shop.picture(next(colours, "white"))
        shop.add(source, id_, picture, categories=categories)
    label = settings_label(load_settings(shop.settings))
    products, left_out = chosen(shop, trusted={"shop"}, label=label)
    labels = {each.source_id: each.label for each in products}
    assert labels == {"path": "Clothes > Shirts", "id": "Clothes > Trousers"}
    assert left_out == {"not_mapped": 1, "no_category": 1, "not_trusted": 1}


def test_without_a_tree_a_category_is_a_path():
    assert path_label("shop", (" > ", "Kitchen>Mugs")) == "Kitchen > Mugs"
    assert path_label("shop", ()) is None


def test_pictures_are_the_same_over_a_third_one():
    alike = Alike([("b", "c"), ("a", "b"), ("e", "f"), ("c", "a")])
    assert [alike.one_of(each) for each in "abcdef"] == ["a", "a", "a", "d", "e", "e"]
