"""A shop's categories become labels that a run takes: fourteen of the source, seven of the tree."""

import json

import pytest
from click.testing import CliRunner

from pipeline.cli.check import check
from shelfsort.cli.catalog.command import catalog
from tests.fixtures.shop import Shop

LEAVES = ("Dresses", "Jackets", "Jeans", "Shirts", "Shoes", "Skirts", "Sweaters")
SOLD_AS = {
    **{f"Women's {name}": name for name in LEAVES},
    **{f"{name} / {n}": name for n, name in enumerate(LEAVES)},
}
EACH = 12


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    (tmp_path / "tree.json").write_text(json.dumps([f"Clothing > {name}" for name in LEAVES]))
    lines = ["from,to", *(f"{sold},Clothing > {leaf}" for sold, leaf in SOLD_AS.items())]
    (tmp_path / "crosswalk.csv").write_text("".join(f"{line}\n" for line in lines))
    shop.more |= {"taxonomy": "tree.json", "crosswalk": "crosswalk.csv"}
    shop.source("shop", trusted=True)
    for n in range(EACH * len(SOLD_AS)):
        sold = list(SOLD_AS)[n % len(SOLD_AS)]
        picture = shop.picture((n, 255 - n, 7 * n % 256))
        shop.add("shop", str(n), picture, title=f"Number {n}", categories=["Sale", sold])
    return shop


def test_fourteen_categories_become_seven_and_the_run_can_use_them(shop):
    assert len(SOLD_AS) == 14
    place, tree = str(shop.folder / "training.manifest"), str(shop.folder / "tree.json")
    arguments = ["manifest", shop.settings, "--labelled", "--output", place, "--json"]
    written = CliRunner().invoke(catalog, arguments, catch_exceptions=False)
    told = json.loads(written.stdout)
    assert (told["products"], told["left_out"]) == (EACH * 14, {})
    checked = CliRunner().invoke(check, [place, "--taxonomy", tree, "--json"])
    assert checked.exit_code == 0, checked.output
    found = json.loads(checked.stdout)
    assert found["products"] == EACH * 14
    assert found["categories"] == {f"Clothing > {name}": EACH * 2 for name in LEAVES}
    assert found["rejects"] == []
