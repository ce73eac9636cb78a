"""The figures of a catalogue, against counts by hand."""

from collections import Counter
from datetime import timedelta

import sqlalchemy as sa

from shelfsort.catalog.database import tables
from shelfsort.catalog.output.figures import catalogue_figures, side_range
from shelfsort.catalog.output.labels import settings_label
from shelfsort.catalog.settings import load_settings
from shelfsort.core.database.engine import reader
from tests.fixtures.shop import NOW, reasons


def figures(shop, label=None):
    with reader(shop.engine) as connection:
        return catalogue_figures(connection, NOW, label)


def test_sources_are_counted_with_their_last_passes(shop):
    shop.source("shop")
    counts = {"rows": 5, "new": 2, "changed": 1, "gone": 1, "rejected": 3}
    shop.pull("shop", outcome="refused", reasons=reasons("no_id", "no_id", "price"), **counts)
    shop.source("bare", licence="")
    red, bad = shop.picture("red"), shop.picture("black", problem="placeholder")
    shop.add("shop", "a", red)
    shop.add("shop", "b", bad)
    shop.add("shop", "c", red, gone=NOW)
    bare, found = figures(shop).sources
    assert (bare.name, bare.licence, bare.on_sale) == ("bare", "", 0)
    assert (found.name, found.on_sale, found.gone, found.pictured) == ("shop", 2, 1, 1)
    newest, oldest = found.passes
    assert (newest.outcome, newest.rows, newest.new, newest.changed) == ("refused", 5, 2, 1)
    assert (newest.gone, newest.rejected, newest.reasons) == (1, 3, {"no_id": 2, "price": 1})
    assert oldest.reasons == {}


def test_classes_are_leaves_where_there_is_a_tree(shop):
    shop.tree()
    shop.source("shop")
    for n, categories in enumerate((["shirts"], ["Sale", "shirts"], ["shoes"], ["Sale"], [])):
        shop.add("shop", str(n), categories=categories)
    shop.add("shop", "gone", categories=["shoes"], gone=NOW)
    plain = figures(shop)
    assert plain.classes == {"shirts": 1, "Sale": 2, "shoes": 1}
    assert (plain.uncategorised, plain.unmapped, plain.mapped) == (1, Counter(), False)
    tree = figures(shop, settings_label(load_settings(shop.settings)))
    assert tree.classes == {"Clothes > Shirts": 2, "Shoes": 1}
    assert (tree.uncategorised, tree.unmapped, tree.mapped) == (1, {"Sale": 1}, True)


def test_dead_links_are_counted_by_host_and_age(shop):
    shop.source("shop")
    old = shop.add("shop", "old", first_seen=NOW - timedelta(days=40))
    new = shop.add("shop", "new", first_seen=NOW - timedelta(days=6, hours=23))
    red = shop.picture("red")
    states = [(old, "gone", "dead.example"), (old, red, "live.example")]
    states += [(new, "timeout", "dead.example"), (new, "", "dead.example")]
    for position, (number, state, host) in enumerate(states):
        row = {"product": number, "position": position, "link": shop.link(state, host)}
        with shop.engine.begin() as connection:
            connection.execute(sa.insert(tables.product_link), row)
    found = figures(shop)
    assert found.links.states == {"gone": 1, "timeout": 1, "good": 1, "": 1}
    assert (found.links.total, found.links.tried, found.links.dead) == (4, 3, 2)
    assert found.due == 1
    dead, live = found.hosts
    assert (dead.name, dead.total, dead.dead, dead.dead_share) == ("dead.example", 3, 2, 1.0)
    assert (live.name, live.total, live.dead, live.dead_share) == ("live.example", 1, 0, 0.0)
    with shop.engine.begin() as connection:
        where = tables.product.c.id == new
        connection.execute(sa.update(tables.product).where(where).values(gone=NOW))
    assert figures(shop).due == 0
    ages = {each.name: (each.total, each.dead_share) for each in found.ages}
    assert ages == {
        "under 7 days": (2, 1.0),
        "7 to 29 days": (0, None),
        "30 to 89 days": (2, 0.5),
        "90 to 364 days": (0, None),
        "365 days and more": (0, None),
    }


def test_a_link_is_as_old_as_its_first_product(shop):
    shop.source("shop")
    link = shop.link("gone")
    for n, days in enumerate((3, 400)):
        number = shop.add("shop", str(n), first_seen=NOW - timedelta(days=days))
        row = {"product": number, "position": 0, "link": link}
        with shop.engine.begin() as connection:
            connection.execute(sa.insert(tables.product_link), row)
    assert [each.total for each in figures(shop).ages] == [0, 0, 0, 0, 1]


def test_pictures_are_counted_by_their_shorter_side(shop):
    shop.source("shop")
    sizes = [(99, 300), (300, 100), (400, 400), (1600, 2000)]
    digests = [shop.picture((n, 0, 0), size) for n, size in enumerate(sizes)]
    shop.picture("white", problem="placeholder", format_="PNG")
    found = figures(shop)
    assert found.sides == {0: 1, 100: 1, 400: 1, 1600: 1}
    assert found.pictures == 4
    assert found.formats == {"jpeg": 4, "png": 1}
    assert found.problems == {"placeholder": 1}
    place = shop.folder / "images"
    assert found.bytes == sum(each.stat().st_size for each in place.rglob("*.*"))
    assert len(digests) == 4
    assert [side_range(n) for n in (0, 800, 1600)] == [
        "under 100 pixels",
        "800 to 1,599 pixels",
        "1,600 pixels and more",
    ]


def test_duplicates_are_pictures_of_several_products_on_sale(shop):
    shop.source("shop")
    red, green, blue = (shop.picture(each) for each in ("red", "green", "blue"))
    shop.same(red, green)
    for n, (digests, variants) in enumerate(
        [((red, red), 5), ((red,), 5), ((red, blue), 6), ((blue,), 0), ((green,), 0)]
    ):
        shop.add("shop", str(n), *digests, variants=variants)
    shop.add("shop", "gone", green, gone=NOW, variants=6)
    found = figures(shop).duplicates
    assert (found.pictures, found.products) == (2, 4)
    assert [(each.digest, each.products) for each in found.most] == [(red, 3), (blue, 2)]
    assert found.pairs == {"same": 1}
    assert (found.groups, found.variants) == (1, 2)
