import json

import pytest

from shelfsort.core.errors import InputError
from shelfsort.products.taxonomy import Taxonomy


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "paths.txt").write_text("Kitchen > Mugs\nKitchen > Bowls\nGarden\n")
    return "paths.txt"


def test_check_says_what_was_understood_and_where_to_look(run, tmp_path):
    (tmp_path / "t.txt").write_text("Kitchen > Mugs\nKitchen > mugs\nGarden\n")
    lines = run("check", "t.txt")
    assert lines[0] == "t.txt: a path on each line"
    assert lines[1].startswith("  4 categories, 3 of them leaves on 2 levels (1, 2 leaves")
    assert lines[-1] == "  t.txt:2: 'Kitchen > mugs' and 'Kitchen > Mugs'"
    (record,) = map(json.loads, run("check", "t.txt", "--json"))
    assert (record["leaves"], record["findings"][0]["line"]) == (3, 2)


def test_check_refuses_what_is_no_tree_with_its_line(run, tmp_path):
    nodes = [{"id": "a", "name": "A", "parent": "b"}, {"id": "b", "name": "B", "parent": "a"}]
    (tmp_path / "t.json").write_text(json.dumps(nodes, indent=1))
    with pytest.raises(InputError, match=r"t\.json:3: there is no root.*cycle"):
        run("check", "t.json")


def test_search_prints_paths_and_the_nearest_where_there_is_none(run, paths):
    assert run("search", paths, "kitchen", "mug") == ["Kitchen > Mugs"]
    assert "Garden" in run("search", paths, "Gardn")[0]


def test_save_keeps_version_and_order(run, paths, tmp_path):
    run("save", paths, "--output", "tree.json")
    saved = Taxonomy.load(str(tmp_path / "tree.json"))
    assert saved.version == Taxonomy.load(str(tmp_path / "paths.txt")).version
    assert [set(node) - {"parent"} for node in saved.to_nodes()] == [
        {"id", "name", "subcategories"}
    ] * 5


def test_build_takes_categories_from_products_and_joins_sources(run, paths, tmp_path):
    (tmp_path / "p.csv").write_text("title,type\nA,Toys > Balls\nB,\nC,Toys > Balls\n")
    run("build", "p.csv", "--column", "type", "--output", "toys.json")
    assert Taxonomy.load(str(tmp_path / "toys.json")).leaves == ["Toys > Balls"]
    run("build", paths, "toys.json", "--output", "all.json")
    assert len(Taxonomy.load(str(tmp_path / "all.json")).leaves) == 4
    with pytest.raises(InputError, match=r"no column 'kind'\. Choose one of: 'title', 'type'"):
        run("build", "p.csv", "--column", "kind", "--output", "x.json")
