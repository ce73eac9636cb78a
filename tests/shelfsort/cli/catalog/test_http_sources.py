"""The example settings of the sources over HTTP, through the commands, against a local server."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from shelfsort.cli.main import shelfsort
from shelfsort.products.taxonomy import Taxonomy
from tests.fixtures.shop_api import FAILED, KEY, THROTTLED

ROOT = Path(__file__).parents[4]
HOSTS = {
    "shopstyle": "https://api.shopstyle.com",
    "product_service": "https://products.internal.example",
}
WANTED = [f"p{n:04}" for n in range(95)]


@pytest.fixture
def example(shop_api, tmp_path, monkeypatch):
    """Writes an example with the server's address, some texts replaced; gives the file."""
    shop_api.key = KEY
    monkeypatch.setenv("SHOPSTYLE_KEY", KEY)
    monkeypatch.setenv("PRODUCT_SERVICE_TOKEN", KEY)

    def written(name, *replaced):
        text = (ROOT / f"examples/catalog/{name}.yaml").read_text("utf-8")
        assert f"examples/catalog/{name}.yaml" in text
        for old, new in ((HOSTS[name], shop_api.url), *replaced):
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / f"{name}.yaml"
        file.write_text(text)
        return str(file)

    return written


def run(*words):
    return CliRunner().invoke(shelfsort, ["catalog", *words], catch_exceptions=False)


def stored(tmp_path):
    """The ids of the products, and of the rows in quarantine their reasons and places."""
    with sqlite3.connect(tmp_path / "catalog.db") as connection:
        ids = [id_ for (id_,) in connection.execute("select source_id from product order by 1")]
        rejected = connection.execute("select reason, place from quarantine order by 2").fetchall()
    return ids, rejected


PRIVATE = ("requests_s: 10", "requests_s: 1000\n    allow_private: true")


def test_a_shop_s_products_and_tree_are_read(example, shop_api, clock, tmp_path):
    shop_api.troubles = {4: THROTTLED, 6: FAILED}
    settings = example("shopstyle", PRIVATE)
    done = run("import", settings, "--json")
    assert done.exit_code == 0, done.output
    assert stored(tmp_path) == (WANTED, [])
    assert json.loads(done.output)[0]["rows"] == 95
    with sqlite3.connect(tmp_path / "catalog.db") as connection:
        row = connection.execute(
            "select title, price, currency, brand, categories from product where source_id='p0004'"
        ).fetchone()
        links = connection.execute("select count(*) from product_link").fetchone()
        assert KEY.encode() not in (tmp_path / "catalog.db").read_bytes()
    assert (row, links) == (("Cup 4", 4.0, "EUR", "Kiln", '["mugs"]'), (190,))

    tree = tmp_path / "tree.json"
    made = run("categories", settings, "--source", "shopstyle", "--output", str(tree), "--json")
    assert json.loads(made.output)["leaves"] == 3
    assert Taxonomy.load(str(tree)).path("mugs") == "For drinking > Mugs"


def test_a_second_pass_finds_what_changed_and_what_is_gone(example, shop_api, clock, tmp_path):
    settings = example("shopstyle", PRIVATE)
    run("import", settings)
    shop_api.products[3]["name"] = "Beaker"
    del shop_api.products[10:12]
    passed = json.loads(run("import", settings, "--json").output)[0]
    assert [passed[name] for name in ("rows", "new", "changed", "gone")] == [93, 0, 1, 2]


INCREMENTAL = """
sources:
  shop:
    type: api
    address: {url}/products
    allow_private: true
    requests_s: 1000
    rows: products
    fields: {{id: id, title: name}}
    paging: {{kind: cursor, parameter: cursor, next: next_cursor, size: 50, size_parameter: limit}}
    {more}
"""


def passes(shop_api, tmp_path, more, *changes):
    """Imports once, and again after each change; gives outcome, rows, changed and gone of each."""
    settings = tmp_path / "catalog.yaml"
    settings.write_text(INCREMENTAL.format(url=shop_api.url, more=more))
    done = []
    for change in (lambda: None, *changes):
        change()
        passed = json.loads(run("import", str(settings), "--json").output)[0]
        done.append(tuple(passed[name] for name in ("outcome", "rows", "changed", "gone")))
    return done


def test_a_source_with_the_same_tag_is_not_read_again(shop_api, clock, tmp_path):
    def remove():
        shop_api.version = "v2"
        del shop_api.products[:5]

    assert passes(shop_api, tmp_path, "etag: true", lambda: None, remove) == [
        ("whole", 95, 0, 0),
        ("unchanged", 0, 0, 0),
        ("whole", 90, 0, 5),
    ]


def test_a_pass_over_changes_only_takes_nothing_for_gone(shop_api, clock, tmp_path):
    def change():
        shop_api.products[7].update(name="Beaker", updated="2999")
        del shop_api.products[:5]

    since = "updated_since: {parameter: since}"
    assert passes(shop_api, tmp_path, since, change) == [("whole", 95, 0, 0), ("whole", 1, 1, 0)]


def test_a_company_s_product_service_is_asked(example, shop_api, clock, tmp_path):
    lines = ["post,product_id", *(f"{n},{id_}" for n, id_ in enumerate([*WANTED, "p9999"]))]
    (tmp_path / "posts.csv").write_text("\n".join(lines))
    done = run("import", example("product_service", ("requests_s: 50", "requests_s: 1000")))
    assert done.exit_code == 0, done.output
    assert stored(tmp_path) == (WANTED, [("missing", "id p9999")])
    assert json.loads(shop_api.bodies[0])["fields"] == "all"


def test_a_source_without_a_tree_says_so(example, tmp_path):
    (tmp_path / "posts.csv").write_text("product_id\np0001\n")
    service = run_refused("categories", example("product_service"), "--source", "products")
    assert "no source 'products' of type api. Add one." in service
    without = example("shopstyle", PRIVATE, ("    each:", "    each: []"), ("leaves: true", ""))
    assert "shopstyle" in run_refused("categories", without, "--source", "shop")


def run_refused(*words):
    done = CliRunner().invoke(shelfsort, ["catalog", *words, "--output", "tree.json"])
    assert done.exception is not None
    return str(done.exception)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTS)
def test_a_pass_that_is_killed_goes_on_and_loses_nothing(example, shop_api, tmp_path, name):
    (tmp_path / "posts.csv").write_text("\n".join(["product_id", *WANTED]))
    small = {
        "shopstyle": [PRIVATE, ("size: 50", "size: 10")],
        "product_service": [("batch: 100", "batch: 5"), ("at_once: 4", "at_once: 1")],
    }
    settings = example(name, *small[name])
    command = [sys.executable, "-m", "shelfsort.cli.main", "catalog", "import", settings]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for after in (5, 11):
        process: list[subprocess.Popen] = []
        shop_api.changes = {
            after: lambda _, started=process: os.kill(started[0].pid, signal.SIGKILL)
        }
        process.append(subprocess.Popen(command, env=environment))
        assert process[0].wait(120) == -signal.SIGKILL
    shop_api.changes = {}
    subprocess.run(command, env=environment, check=True, timeout=120)
    assert stored(tmp_path) == (WANTED, [])
    asked = [
        (path, str(query), body)
        for (path, query), body in zip(shop_api.asked, shop_api.bodies, strict=True)
        if not path.endswith("/categories")
    ]
    # Each kill costs the page that was under way, and no other.
    assert len(asked) - len(set(asked)) == 2
