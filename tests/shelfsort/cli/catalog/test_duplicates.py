"""`shelfsort catalog duplicates`."""

import json

import pytest
from click.testing import CliRunner

from shelfsort.cli.catalog.command import catalog
from tests.fixtures.shop import Shop


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    shop.source("shop")
    picture = shop.picture("red")
    shop.add("shop", "1", picture)
    shop.add("shop", "2", picture)
    return shop


def run(*arguments):
    result = CliRunner().invoke(catalog, ["duplicates", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_products_with_one_picture_are_counted(shop):
    told = json.loads(run(shop.settings, "--json"))
    assert told["products"]["picture"] == {"groups": 1, "products": 2, "largest": 2, "extra": 1}
    assert told["pictures"]["same"] == 0


def test_the_table_has_a_line_for_each_kind(shop):
    assert "main picture, its bytes" in run(shop.settings)
