"""The commands about what leaves the catalogue, from the settings to the files."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from shelfsort.cli.catalog.command import catalog
from shelfsort.core.errors import InputError
from tests.fixtures.shop import NOW, Shop


@pytest.fixture
def shop(tmp_path):
    """Two trusted products, one of them with a dead link, and one of a source that is not."""
    shop = Shop(tmp_path)
    shop.source("shop", trusted=True)
    shop.source("forum", licence="")
    shop.tree()
    shop.add("shop", "1", shop.picture("red"), categories=["shirts"])
    shop.add("shop", "2", "gone", categories=["shoes"])
    shop.add("forum", "1", shop.picture("blue"), categories=["shoes"])
    shop.add("shop", "old", shop.picture("green"), gone=NOW)
    return shop


def run(*arguments):
    result = CliRunner().invoke(catalog, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def lines(place):
    return [json.loads(line) for line in place.read_text().splitlines()]


def test_a_manifest_for_people_has_every_source(shop):
    place = shop.folder / "out.manifest"
    told = json.loads(run("manifest", shop.settings, "--output", str(place), "--json"))
    assert told["products"] == 2
    assert told["left_out"] == {"no_image": 1, "gone": 1}
    assert [each["id"] for each in lines(place)] == ["shop:1", "forum:1"]
    assert not any("category" in each for each in lines(place))


def test_a_labelled_manifest_has_trusted_products_and_copies(shop):
    folder = shop.folder / "training"
    run("manifest", shop.settings, "--labelled", "--copy", "--output", str(folder))
    [line] = lines(folder / "catalogue.manifest")
    assert line["category-metadata"]["class-name"] == "Clothes > Shirts"
    assert (folder / line["source-ref"]).is_file()


def test_labels_need_a_trusted_source(shop):
    for name in ("manifest", "export"):
        more = ("--labelled",) if name == "manifest" else ("--dataset", "owner/photos")
        with pytest.raises(InputError, match="trusted_categories"):
            run(name, shop.settings, *more, "--source", "forum", "--output", "x")
    with pytest.raises(InputError, match="no source 'other'"):
        run("manifest", shop.settings, "--source", "other", "--output", "x")


def test_nothing_is_written_where_nothing_is_left(shop):
    place = shop.folder / "out.manifest"
    shop.source("empty")
    with pytest.raises(InputError, match="no product is left"):
        run("manifest", shop.settings, "--source", "empty", "--output", str(place))
    assert not place.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--format", "huggingface"),
        ("--format", "huggingface", "--title", "Photos", "--push", "kaggle"),
        ("--dataset", "owner/photos", "--notes", "more"),
    ],
)
def test_an_export_needs_its_names(shop, arguments):
    with pytest.raises(InputError, match="--"):
        run("export", shop.settings, "--output", str(shop.folder / "set"), *arguments)
    assert not (shop.folder / "set").exists()


def test_pictures_without_a_licence_are_not_exported(shop):
    shop.sources["forum"]["trusted_categories"] = True
    shop.write()
    command = ("export", shop.settings, "--dataset", "owner/photos", "--json", "--output")
    told = json.loads(run(*command, str(shop.folder / "set")))
    assert told["left_out"]["no_licence"] == 1
    assert told["categories"] == {"Clothes > Shirts": 1}
    told = json.loads(run(*command, str(shop.folder / "all"), "--licence-unknown-ok"))
    assert told["categories"] == {"Clothes > Shirts": 1, "Shoes": 1}
    rows = list(csv.DictReader((shop.folder / "all" / "products.csv").open(newline="")))
    assert [row["licence"] for row in rows] == ["CC-BY-4.0", ""]


def test_a_set_is_pushed_when_it_is_written(shop, monkeypatch):
    module, pushed = "shelfsort.catalog.output.kaggle_set", []

    def push(api, folder, notes):
        pushed.append((api, sorted(each.name for each in Path(folder).iterdir()), notes))

    monkeypatch.setattr(f"{module}.kaggle_api", lambda: "api")
    monkeypatch.setattr(f"{module}.push_kaggle", push)
    more = ("--dataset", "owner/photos", "--push", "kaggle", "--notes", "more products")
    run("export", shop.settings, "--output", str(shop.folder / "set"), *more)
    names = ["dataset-metadata.json", "images", "products.csv"]
    assert pushed == [("api", names, "more products")]


def test_nothing_is_written_where_nothing_can_be_pushed(shop, monkeypatch):
    monkeypatch.delenv("KAGGLE_USERNAME", raising=False)
    more = ("--dataset", "owner/photos", "--push", "kaggle")
    with pytest.raises(InputError, match="KAGGLE_USERNAME"):
        run("export", shop.settings, "--output", str(shop.folder / "set"), *more)
    assert not (shop.folder / "set").exists()


def test_an_export_for_hugging_face_has_shards_and_a_card(shop):
    place = shop.folder / "set"
    more = ("--format", "huggingface", "--title", "Photos")
    run("export", shop.settings, "--output", str(place), *more)
    assert sorted(each.name for each in place.iterdir()) == ["README.md", "data"]


def test_a_report_is_written(shop):
    place = shop.folder / "report.html"
    run("report", shop.settings, "--output", str(place))
    assert place.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    "command",
    [("report",), ("manifest",), ("crosswalk", "--suggest"), ("categories", "--source", "api")],
)
@pytest.mark.parametrize("place", ["catalog.yaml", "catalog.db", "tables/a.csv", "link.html"])
def test_no_command_writes_over_the_catalogue_itself(tmp_path, monkeypatch, command, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.csv").write_text("id,title\n1,Mug\n")
    (tmp_path / "tree.json").write_text(
        '[{"id": "all", "name": "All", "subcategories": ["mug"]}, '
        '{"id": "mug", "name": "Mug", "subcategories": [], "parent": "all"}]'
    )
    (tmp_path / "catalog.yaml").write_text(
        "taxonomy: tree.json\nsources:\n  shop: {type: tables, files: tables}\n"
        "  api: {type: api, address: 'https://a.test', rows: x, fields: {id: id}, "
        "paging: {kind: single}}\n"
    )
    (tmp_path / "link.html").symlink_to("catalog.db")
    run("import", "catalog.yaml", "--source", "shop")
    assert not (tmp_path / "catalog.db-wal").exists()
    before = Path(place).read_bytes()
    with pytest.raises(InputError, match=f"{place}: is the input"):
        run(command[0], "catalog.yaml", *command[1:], "--output", place)
    assert Path(place).read_bytes() == before
