"""`shelfsort catalog import` and `query`, as people call them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from shelfsort.cli.catalog.command import catalog
from shelfsort.core.errors import InputError

SETTINGS = """
database: {database}
sources:
  shop:
    type: tables
    files: shop
    contract: {{most_rejected: 0.4}}
  other:
    type: tables
    files: other.csv
"""
ROWS = "id,title,price,image\n" + "".join(
    f"{n},Mug {n},{n}.50,https://a{n % 2}.test/{n}.jpg\n" for n in range(10)
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def run(request, tmp_path, monkeypatch):
    """Runs a subcommand in a folder with two sources; returns its output, raises what it raises."""
    monkeypatch.chdir(tmp_path)
    database = "catalog.db"
    if request.param == "postgresql":
        database = request.getfixturevalue("postgresql")
    (tmp_path / "shop").mkdir()
    (tmp_path / "catalog.yaml").write_text(SETTINGS.format(database=database))
    (tmp_path / "shop" / "a.csv").write_text(ROWS)
    (tmp_path / "other.csv").write_text("id,title\n1,Bowl\n")

    def called(name, *arguments):
        result = CliRunner().invoke(catalog, [name, "catalog.yaml", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.output

    return called


def test_import_says_what_each_source_gave_and_query_counts_it(run, tmp_path):
    (tmp_path / "shop" / "b.csv").write_text("id,price\n10,ask\n0,1\n")
    (passed, _) = json.loads(run("import", "--json"))
    assert (passed["rows"], passed["repeated"], passed["rejected"]) == (10, 1, 1)
    assert passed["reasons"]["price"]["place"] == "shop/b.csv:2"
    found = json.loads(run("query", "--json"))
    assert {each["name"]: each["products"] for each in found["sources"]} == {"shop": 10, "other": 1}
    assert found["links"] == {"": 9}
    assert found["hosts"] == {"a1.test": [5, 0], "a0.test": [4, 0]}
    assert "a1.test" in run("query")


def test_a_question_is_answered_as_a_table_and_changes_nothing(run):
    run("import")
    asked = "select source_id, price, title from product where price > 7 order by price"
    lines = run("query", "--sql", asked).splitlines()
    assert [line.split() for line in lines] == [
        ["source_id", "price", "title"],
        *([str(n), f"{n}.5", "Mug", str(n)] for n in (7, 8, 9)),
    ]
    rows = json.loads(
        run("query", "--json", "--sql", "select count(*) as n, count(*) as n from link;")
    )
    assert rows == [{"n": 10, "n 2": 10}]
    for statement in (
        "delete from product",
        "update product set title = 'x'",
        "drop table product",
        "select 1; delete from product",
        "select nonsense",
        "attach database 'other.db' as other",
        "pragma journal_mode = delete",
    ):
        with pytest.raises(InputError, match="--sql: "):
            run("query", "--sql", statement)
    assert json.loads(run("query", "--json"))["sources"][1]["products"] == 10
    assert not Path("other.db").exists()
    run("import", "--restart")


def test_a_refused_source_is_an_error_after_the_others_are_read(run, tmp_path):
    run("import")
    (tmp_path / "shop" / "a.csv").write_text("id,title\n1,Cup\n")
    (tmp_path / "other.csv").write_text("id,title\n1,Dish\n")
    with pytest.raises(InputError, match=r"shop: the pass is refused.*--source shop --accept"):
        run("import")
    titles = "select title from product where source_id = '1' order by title"
    assert run("query", "--sql", titles).split() == ["title", "Dish", "Mug", "1"]
    assert "1 changed, 9 gone" in run("import", "--source", "shop", "--accept")


def test_a_broken_source_keeps_no_other_from_being_read(run, tmp_path):
    (tmp_path / "shop" / "a.csv").write_text("nr\n1\n")
    with pytest.raises(InputError, match=r"a\.csv: no column for the id"):
        run("import")
    assert run("query", "--sql", "select source from product").split() == ["source", "other"]
    with pytest.raises(InputError, match="no source 'none'"):
        run("import", "--source", "none")
