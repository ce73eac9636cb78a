"""Exported image sets: what others read in them, and what is refused."""

import csv
import hashlib
import io
import json
import sys
import types
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from shelfsort.catalog.output import image_set
from shelfsort.catalog.output.data_card import data_card
from shelfsort.catalog.output.hugging_face import write_hugging_face
from shelfsort.catalog.output.image_set import Contents, items, new_folder
from shelfsort.catalog.output.kaggle_set import (
    KaggleNames,
    kaggle_api,
    kaggle_licence,
    push_kaggle,
    write_kaggle,
)
from shelfsort.catalog.output.labels import settings_label
from shelfsort.catalog.output.pictures import Pictures
from shelfsort.catalog.output.selection import Selection, Wanted
from shelfsort.catalog.settings import load_settings
from shelfsort.core.database.engine import reader
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.products.tables.image_folders import image_rows

NAMES = KaggleNames("owner/photos", "Photos")


@pytest.fixture
def filled(shop):
    """Three products of two leaves, and one whose picture is lost."""
    shop.tree()
    shop.source("shop")
    shop.source("free", licence="CC0-1.0")
    for n, (source, leaf) in enumerate(
        (("shop", "shirts"), ("shop", "shoes"), ("free", "shirts"), ("shop", "shoes"))
    ):
        digest = shop.picture((60 * n, 90, 200), (20 + n, 10))
        shop.add(source, f"id/{n}", digest, title='a "b", c', price=1.5 * n, categories=[leaf])
    next((shop.folder / "images").rglob(f"{digest}*")).write_bytes(b"other")
    return shop


def exported(shop, write, *more):
    """Writes a set of the whole shop."""
    label = settings_label(load_settings(shop.settings))
    wanted = Wanted(
        {name: each["licence"] for name, each in shop.sources.items()},
        trusted=frozenset(shop.sources),
        label=label,
    )
    with reader(shop.engine) as connection:
        place = str(shop.folder / "set")
        return write(
            place, Selection(connection, wanted), Pictures(str(shop.folder / "images")), *more
        )


def test_kaggle_gets_folders_by_category_a_table_and_its_metadata(filled):
    contents = exported(filled, write_kaggle, NAMES)
    place = filled.folder / "set"
    assert (contents.products, contents.lost) == (3, 1)
    rows = list(csv.DictReader((place / "products.csv").open(newline="")))
    assert [row["category"] for row in rows] == ["Clothes > Shirts", "Shoes", "Clothes > Shirts"]
    assert [row["id"] for row in rows] == ["shop:id/0", "shop:id/1", "free:id/2"]
    assert [row["licence"] for row in rows] == ["CC-BY-4.0", "CC-BY-4.0", "CC0-1.0"]
    assert {row["title"] for row in rows} == {'a "b", c'}
    for row in rows:
        content = (place / row["image"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
    # The folders alone say the same.
    found = {row.cells["category"] for row in image_rows(str(place / "images"))}
    assert found == {"Clothes > Shirts", "Shoes"}
    told = json.loads((place / "dataset-metadata.json").read_text())
    assert (told["id"], told["title"]) == ("owner/photos", "Photos")
    assert told["licenses"] == [{"name": "other"}]
    assert 20 <= len(told["subtitle"]) <= 80
    fields = told["resources"][0]["schema"]["fields"]
    assert [each["name"] for each in fields] == list(rows[0])
    assert sorted(each.name for each in filled.folder.iterdir() if each.name.startswith(".")) == []


def test_hugging_face_gets_pictures_and_classes_in_shards(filled):
    classes = ["Clothes > Shirts", "Shoes"]
    contents = exported(filled, write_hugging_face, "Photos: 1", classes, 1)
    assert contents.products == 3
    place = filled.folder / "set"
    shards = sorted(each.name for each in (place / "data").iterdir())
    assert shards == [f"train-0000{n}-of-00003.parquet" for n in range(3)]
    tables = [pq.read_table(place / "data" / each) for each in shards]
    rows = [row for table in tables for row in table.to_pylist()]
    assert [classes[row["label"]] for row in rows] == [
        "Clothes > Shirts",
        "Shoes",
        "Clothes > Shirts",
    ]
    assert [Image.open(io.BytesIO(row["image"]["bytes"])).size for row in rows] == [
        (20, 10),
        (21, 10),
        (22, 10),
    ]
    assert [row["price"] for row in rows] == [0.0, 1.5, 3.0]
    features = json.loads(tables[0].schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"}
    assert features["label"] == {"_type": "ClassLabel", "names": classes}
    assert list(features) == tables[0].schema.names
    _, head, text = (place / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(head)
    assert (card["pretty_name"], card["license"]) == ("Photos: 1", "other")
    names = card["dataset_info"]["features"][1]["dtype"]["class_label"]["names"]
    assert names == {"0": "Clothes > Shirts", "1": "Shoes"}
    assert card["dataset_info"]["splits"][0]["num_examples"] == 3
    assert card["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*"}]
    assert "| free | CC0-1.0 | 1 |" in text


def test_one_shard_holds_many_small_pictures(filled):
    exported(filled, write_hugging_face, "Photos", ["Clothes > Shirts", "Shoes"])
    shards = list((filled.folder / "set" / "data").iterdir())
    assert [each.name for each in shards] == ["train-00000-of-00001.parquet"]


@pytest.mark.parametrize(
    ("label", "folders"),
    [("A > B & C", "A/B & C"), ("a/b > .. > .x", "a-b/-/x"), ("Why? > \x1b[0m.", "Why-/-[0m")],
)
def test_a_leaf_becomes_folders_that_lead_nowhere_else(shop, label, folders):
    shop.source("shop")
    shop.add("shop", "1", shop.picture("red"))
    with reader(shop.engine) as connection:
        [product] = Selection(connection, Wanted({}))
    pictures = Pictures(str(shop.folder / "images"))
    [item] = items([replace(product, label=label)], pictures, Contents())
    assert item.file == f"{folders}/{product.picture.digest[:32]}.jpg"


def test_a_set_that_fails_leaves_nothing(filled):
    with pytest.raises(KeyError):
        exported(filled, write_hugging_face, "Photos", ["Shoes"])
    left = sorted(each.name for each in filled.folder.iterdir())
    assert not any(name.startswith((".", "set")) for name in left)


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="Name a new folder"), new_folder(str(tmp_path / "set")):
        pass
    assert (tmp_path / "set" / "mine.txt").read_text() == "x"


@pytest.mark.parametrize(
    ("licences", "name"),
    [
        (["cc-by-4.0"], "CC-BY-4.0"),
        (["Ask the shop"], "other"),
        (["CC0-1.0", "CC-BY-4.0"], "other"),
        (["not known"], "unknown"),
    ],
)
def test_kaggle_has_one_name_for_the_licences(licences, name):
    assert kaggle_licence(licences) == name


@pytest.mark.parametrize("names", [("owner", "Photos"), ("o/UPPER", "Photos"), ("o/name", "short")])
def test_names_that_kaggle_refuses_are_refused_here(names):
    with pytest.raises(InputError):
        KaggleNames(*names)


def test_a_card_shows_texts_of_strangers_as_texts():
    contents = Contents()
    contents.categories["<b>|\n# x"] = 1
    contents.sources["shop", "[a](javascript:x)"] = 1
    card = data_card("T", contents)
    assert "\\<b\\>\\| \\# x" in card
    assert "[a]" not in card


@pytest.fixture
def kaggle(monkeypatch):
    """A module that stands in for Kaggle's package; returns what was asked of it."""
    asked = []

    class KaggleApi:
        def authenticate(self):
            asked.append("authenticate")

        def dataset_create_new(self, folder, public, **options):
            asked.append(("new", folder, public, options["dir_mode"]))
            return types.SimpleNamespace(error="")

        def dataset_create_version(self, folder, version_notes, **options):
            asked.append(("version", folder, version_notes, options["dir_mode"]))
            return types.SimpleNamespace(error="Not yours.")

    name = "kaggle.api.kaggle_api_extended"
    module = types.ModuleType(name)
    module.KaggleApi = KaggleApi
    for each in ("kaggle", "kaggle.api"):
        monkeypatch.setitem(sys.modules, each, types.ModuleType(each))
    monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("KAGGLE_USERNAME", "owner")
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    return asked


def test_a_new_set_is_pushed_as_a_private_one(kaggle):
    push_kaggle(kaggle_api(), "folder")
    assert kaggle == ["authenticate", ("new", "folder", False, "zip")]


def test_a_refusal_of_kaggle_is_a_failure(kaggle):
    with pytest.raises(RunFailed, match="Not yours"):
        push_kaggle(kaggle_api(), "folder", "more products")
    assert kaggle[1] == ("version", "folder", "more products", "zip")


def test_nothing_is_pushed_without_credentials(kaggle, monkeypatch):
    monkeypatch.delenv("KAGGLE_KEY")
    with pytest.raises(InputError, match="KAGGLE_KEY"):
        kaggle_api()
    assert kaggle == []


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setenv("KAGGLE_USERNAME", "owner")
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    monkeypatch.setitem(sys.modules, "kaggle", None)
    with pytest.raises(InputError, match="pip install kaggle"):
        kaggle_api()


def test_what_is_published_holds_no_formula_and_no_address_of_ours(shop):
    shop.tree()
    shop.source("shop")
    digest = shop.picture((60, 90, 200), (20, 10))
    texts = {"title": '=HYPERLINK("http://a.test")', "description": "@SUM(1)", "price": -1.5}
    shop.add("shop", "1", digest, categories=["shirts"], **texts)
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("update link set url = 'file:///srv/photos/1.jpg'")
    exported(shop, write_kaggle, NAMES)
    (row,) = csv.DictReader((shop.folder / "set" / "products.csv").open(newline=""))
    assert (row["title"], row["description"]) == (f"'{texts['title']}", "'@SUM(1)")
    assert (row["price"], row["image_url"]) == ("-1.5", "")
    (shop.folder / "set").rename(shop.folder / "kaggle")
    exported(shop, write_hugging_face, "Photos", ["Clothes > Shirts"])
    (shard,) = (shop.folder / "set" / "data").iterdir()
    (row,) = pq.read_table(shard).to_pylist()
    assert (row["title"], row["image_url"]) == (texts["title"], "")


@pytest.mark.parametrize("name", ["衣" * 100, "👗" * 100, "a" * 300])
def test_long_names_of_categories_fit_a_file_system(tmp_path, name):
    folders = image_set._folders(f"{name} > ..{name}. ")
    (tmp_path / folders).mkdir(parents=True)
    assert all(each.startswith(name[0]) for each in folders.split("/"))
