"""The demo's shop: its tables are those of the catalogue, and its links lead where they should."""

import csv
import json
import urllib.error
import urllib.request
from collections import Counter

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from demo.catalogue import Catalogue
from demo.shelves import SHELVES
from demo.shop import SOLD_AS, make_shop
from demo.shop_fetch import fetch_from_shop
from demo.shop_server import DEAD_HOST, HOST, picture_server
from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.database.tables import image, link
from shelfsort.catalog.settings import load_settings
from shelfsort.cli.catalog.command import catalog
from shelfsort.core.database.engine import reader
from shelfsort.products.images.checks import check_picture


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A shop whose server runs, with the products of the demo's small catalogue."""
    with picture_server() as server:
        yield make_shop(tmp_path_factory.mktemp("demo") / "shop", server, products=168), server


def tables(shop):
    """The rows of all tables, with the same names of columns."""
    folder = shop.settings.parent / "sources"
    rows = []
    for n in range(1, 7):
        rows += csv.DictReader((folder / f"boutique-{n}.csv").read_text("utf-8").splitlines())
    outlet = (folder / "outlet.csv").read_text("cp1252").splitlines()
    for row in csv.DictReader(outlet, delimiter=";"):
        links = " ".join(filter(None, (row["Photo"], row["Photo 2"])))
        rows.append(
            {"id": row["Article"], "title": row["Name"], "category": row["Group"], "images": links}
        )
    return rows


def answer(url):
    try:
        with urllib.request.urlopen(url) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


def test_the_tables_have_the_products_of_the_catalogue(shop, catalogue: Catalogue):
    rows = tables(shop[0])
    assert shop[0].products == len(rows) == 168
    lines = map(json.loads, catalogue.manifest.read_text("utf-8").splitlines()[:20])
    titles = {row["id"]: row["title"] for row in rows}
    for line in lines:
        assert titles.get(line["id"], line.get("title")) == line.get("title", "")


def test_every_category_is_in_the_crosswalk(shop):
    sold = {name for names in SOLD_AS.values() for name in names}
    assert {row["category"] for row in tables(shop[0])} <= sold
    assert set(SOLD_AS) == {shelf.id for shelf in SHELVES}
    text = (shop[0].settings.parent / "crosswalk.csv").read_text("utf-8")
    assert {row["from"] for row in csv.DictReader(text.splitlines())} == sold


def test_links_lead_to_pictures_or_are_dead(shop):
    made, server = shop
    links = [url for row in tables(made) for url in row["images"].split()]
    assert len(links) == len(set(links)) == made.links
    base = f"http://{HOST}:{server.port}"
    found = Counter(url.removeprefix(base).split("/")[1] for url in links if url.startswith(base))
    assert found["photos"] > 100 and found["gone"] > 5
    assert any(DEAD_HOST in url for url in links)
    photo = next(url for url in links if url.startswith(f"{base}/photos/"))
    status, content = answer(photo)
    assert status == 200
    assert check_picture(content, 10**6).width == 160
    assert answer(f"{base}/gone/1.jpg") == (404, b"")
    assert answer(f"{base}/page/1.jpg")[1].startswith(b"<!doctype html>")


@pytest.mark.slow
def test_the_shop_becomes_a_labelled_manifest(shop, tmp_path):
    made, _ = shop
    settings = str(made.settings)
    runner = CliRunner()
    assert runner.invoke(catalog, ["import", settings], catch_exceptions=False).exit_code == 0
    progress = fetch_from_shop(settings)
    assert progress.done >= made.links
    engine = open_database(load_settings(settings).database, must_exist=True)
    with reader(engine) as connection:
        rows = connection.execute(sa.select(link.c.url, link.c.state)).tuples().all()
        pictures = connection.scalar(sa.select(sa.func.count()).select_from(image))
    states = Counter((url.split("/")[3], state) for url, state in rows if DEAD_HOST not in url)
    assert {state for (folder, state) in states if folder == "photos"} == {"good"}
    assert {state for (folder, state) in states if folder == "gone"} == {"gone"}
    assert {state for url, state in rows if DEAD_HOST in url} == {"dead_host"}
    place = tmp_path / "training.manifest"
    arguments = ["manifest", settings, "--labelled", "--without-images", "--output", str(place)]
    told = json.loads(runner.invoke(catalog, [*arguments, "--json"]).stdout)
    lines = [json.loads(line) for line in place.read_text("utf-8").splitlines()]
    assert told["products"] == len(lines) > 160
    assert sum("source-ref" in line for line in lines) == pictures
    labels = {line["category-metadata"]["class-name"] for line in lines}
    assert labels == {shelf.path for shelf in SHELVES}
