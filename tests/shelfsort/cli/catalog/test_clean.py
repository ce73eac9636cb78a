"""`shelfsort catalog clean`."""

import json

from click.testing import CliRunner

from shelfsort.cli.catalog.command import catalog
from tests.fixtures.shop import Shop


def run(*arguments):
    result = CliRunner().invoke(catalog, ["clean", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_what_the_rules_do_is_shown_with_examples(tmp_path):
    shop = Shop(tmp_path)
    shop.source("shop")
    shop.add("shop", "1", title="R&amp;D \x1b[31m mug")
    told = json.loads(run(shop.settings, "--json", "--languages"))
    assert told["changed"] == {"html": 0, "entities": 1, "mojibake": 0, "boilerplate": 0}
    assert told["languages"] == {"": 1}
    shown = run(shop.settings)
    assert "entities before: R&amp;D \\x1b[31m mug" in shown
