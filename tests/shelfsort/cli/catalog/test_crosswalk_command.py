"""`shelfsort catalog crosswalk`."""

import json

import pytest
from click.testing import CliRunner

from shelfsort.catalog.output.selection import Selection
from shelfsort.catalog.output.wanted import wanted_products
from shelfsort.catalog.settings import load_settings
from shelfsort.cli.catalog.command import catalog
from shelfsort.core.database.engine import reader
from shelfsort.core.errors import InputError
from tests.fixtures.shop import Shop


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    shop.source("shop", trusted=True)
    shop.tree()
    for number, category in enumerate(["shirts", "shirts", "shoes", "Odds"]):
        shop.add("shop", str(number), categories=[category])
    return shop


def run(*arguments):
    result = CliRunner().invoke(catalog, ["crosswalk", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_counts_before_and_after_are_shown(shop):
    told = json.loads(run(shop.settings, "--least", "2", "--json"))
    assert (told["products"], told["mapped"]) == (4, 3)
    assert sorted(told["after"].values()) == [1, 2]
    assert list(told["rare"].values()) == [1]
    assert told["balance"]["categories"] == 1
    assert told["unmapped"] == [{"source": "shop", "category": "Odds", "products": 1}]
    assert "3 products (75.0%) in 2 leaves" in run(shop.settings)


def test_a_crosswalk_to_edit_is_written_and_counts_once_the_settings_name_it(shop):
    file = shop.folder / "crosswalk.csv"
    told = json.loads(run(shop.settings, "--suggest", "--output", str(file), "--json"))
    assert (told["categories"], told["filled"]) == (3, 2)
    file.write_text(file.read_text().replace("shop,Odds,,", "shop,Odds,shoes,"))
    shop.more["crosswalk"] = "crosswalk.csv"
    shop.write()
    assert json.loads(run(shop.settings, "--json"))["mapped"] == 4


def test_rare_leaves_label_no_product(shop):
    shop.more["least_products"] = 2
    shop.write()
    wanted = wanted_products(load_settings(shop.settings), labelled=True, without_images=True)
    with reader(shop.engine) as connection:
        selection = Selection(connection, wanted)
        assert [each.source_id for each in selection] == ["0", "1"]
    assert selection.left_out == {"rare": 1, "not_mapped": 1}


def test_a_catalogue_without_a_tree_is_refused_in_one_line(tmp_path):
    shop = Shop(tmp_path)
    shop.source("shop")
    with pytest.raises(InputError, match="needs a taxonomy"):
        run(shop.settings)


def test_suggest_needs_a_file(shop):
    result = CliRunner().invoke(catalog, ["crosswalk", shop.settings, "--suggest"])
    assert result.exit_code == 2
