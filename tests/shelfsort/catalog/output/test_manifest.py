"""The manifest of a catalogue: readers take its lines as they are meant."""

import json

from shelfsort.catalog.output.labels import settings_label
from shelfsort.catalog.output.manifest import write_products
from shelfsort.catalog.output.pictures import Pictures
from shelfsort.catalog.output.selection import Selection, Wanted
from shelfsort.catalog.settings import load_settings
from shelfsort.core.database.engine import reader
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import parse_record, read_record
from shelfsort.products.product import CATALOGUE


def written(shop, place, copy_to="", **wanted):
    """Writes a manifest; returns how many lines, the pictures, and what a reader makes of each."""
    pictures = Pictures(str(shop.folder / "images"), copy_to)
    with reader(shop.engine) as connection:
        licences = {name: each["licence"] for name, each in shop.sources.items()}
        selection = Selection(connection, Wanted(licences, **wanted))
        count = write_products(str(place), selection, pictures)
    lines = place.read_bytes().splitlines() if place.exists() else []
    records = [read_record(Line(n, each)) for n, each in enumerate(lines, 1)]
    return count, pictures, [parse_record(each, "category") for each in records], lines


def test_people_get_a_manifest_without_labels_beside_the_store(shop):
    shop.source("shop")
    red = shop.picture("red")
    shop.add("shop", "a", red, title="Shirt\u2028red", description="<b>soft</b>", price=9.0)
    count, pictures, [entry], [line] = written(shop, shop.folder / "out.manifest")
    assert (count, pictures.copied, pictures.outside) == (1, 0, False)
    assert entry.annotations is None
    product = entry.product
    assert (product.id, product.price, product.title) == ("shop:a", 9.0, "Shirt\u2028red")
    assert (shop.folder / product.image).read_bytes()[:3] == b"\xff\xd8\xff"
    assert json.loads(line)["catalogue"] == {
        "source": "shop",
        "id": "a",
        "licence": "CC-BY-4.0",
        "image-url": "https://shop.example/1.jpg",
        "fetched": "2026-05-04T12:00:00+00:00",
    }


def test_labels_of_a_trusted_source_carry_their_provenance(shop):
    shop.tree()
    shop.source("shop")
    shop.add("shop", "a", shop.picture("red"), categories=["shirts"])
    label = settings_label(load_settings(shop.settings))
    place = shop.folder / "out.manifest"
    _, _, [entry], [line] = written(shop, place, trusted={"shop"}, label=label)
    assert entry.annotations.result == "Clothes > Shirts"
    assert entry.annotations.origin.source == CATALOGUE
    assert entry.annotations.origin.is_evidence
    assert json.loads(line)["category-metadata"]["label-source"] == "catalogue"


def test_copied_pictures_lie_beside_the_manifest_once(shop, tmp_path):
    shop.source("shop")
    red, blue = shop.picture("red"), shop.picture("blue")
    for n, digest in enumerate((red, blue, red)):
        shop.add("shop", str(n), digest)
    place = tmp_path / "out" / "out.manifest"
    copies = str(tmp_path / "out" / "images")
    _, pictures, entries, _ = written(shop, place, copies, one_per="product")
    assert (pictures.copied, pictures.outside) == (2, False)
    images = [each.product.image for each in entries]
    assert images[0] == images[2] and len(set(images)) == 2
    assert all((tmp_path / "out" / each).is_file() for each in images)
    # A second time there is nothing to copy.
    _, again, _, _ = written(shop, place, copies, one_per="product")
    assert again.copied == 0


def test_pictures_elsewhere_are_named_in_full(shop, tmp_path):
    shop.source("shop")
    shop.add("shop", "a", shop.picture("red"))
    _, pictures, [entry], _ = written(shop, tmp_path / "elsewhere" / "out.manifest")
    assert pictures.outside
    assert entry.product.image.startswith(str(shop.folder / "images"))


def test_nothing_is_written_where_no_product_is_left(shop, tmp_path):
    shop.source("shop")
    place = tmp_path / "out.manifest"
    place.write_text("old\n")
    pictures = Pictures(str(shop.folder / "images"))
    assert write_products(str(place), [], pictures) == 0
    assert place.read_text() == "old\n"
