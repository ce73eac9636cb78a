import csv
import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from shelfsort.core.errors import InputError
from shelfsort.products.taxonomy import Taxonomy


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "tree.txt").write_text("Activewear > Skirts\nActivewear > Tops\nSkirts\nCoats\n")
    return "tree.txt"


@pytest.fixture
def manifest(tmp_path):
    """Six products: two of Skirts, two of Activewear > Skirts, one in doubt, one broken line."""
    products = [
        ["Skirts"] * 3,
        ["Skirts", "Skirts", "Activewear > Skirts"],
        ["Activewear > Skirts"] * 3,
        ["Activewear > Skirts"] * 3,
        ["Skirts", "Activewear > Skirts"],
    ]
    with (tmp_path / "m.manifest").open("w") as file:
        for number, labels in enumerate(products):
            workers = [{"worker_id": f"w{n}", "label": each} for n, each in enumerate(labels)]
            metadata = {"type": "groundtruth/custom"}
            line = {
                "id": str(number),
                "title": "T",
                "s": {"workers": workers},
                "s-metadata": metadata,
            }
            file.write(json.dumps({**line, "id": str(number)}) + "\n")
        file.write("{broken\n")
    return "m.manifest"


@pytest.fixture
def by_path(tmp_path, manifest):
    """The same with another tree, in which a path is no other leaf's name."""
    (tmp_path / "tree.txt").write_text("Activewear > Short\nActivewear > Tops\nSkirts\nCoats\n")
    path = tmp_path / manifest
    path.write_text(path.read_text().replace("Activewear > Skirts", "Activewear > Short"))
    return "tree.txt"


def test_labels_are_counted_on_a_level_and_listed(run, by_path, manifest, tmp_path):
    lines = run("rollup", by_path, manifest, "--depth", "1", "--output", "out.csv")
    assert lines == [
        "2  Activewear",
        "2  Skirts",
        "1 x left out: no_consensus",
        "1 x left out: not_json",
    ]
    with (tmp_path / "out.csv").open() as file:
        assert list(csv.DictReader(file))[2] == {
            "id": "2",
            "category": "Activewear > Short",
            "rolled_up": "Activewear",
        }


def test_counts_are_counted_at_named_categories(run, tree, tmp_path):
    (tmp_path / "c.csv").write_text("category,count\nActivewear > Tops,3\nSkirts,4\nCoats,1\n")
    (said,) = run(
        "rollup", tree, "c.csv", "--counts", "--to", "Activewear", "--to", "Coats", "--json"
    )
    assert json.loads(said) == {
        "categories": [
            {"category": "Activewear", "path": "Activewear", "n": 3},
            {"category": "Coats", "path": "Coats", "n": 1},
        ],
        "elsewhere": 4,
        "left_out": {},
    }


@pytest.mark.parametrize(
    ("row", "named"),
    [("Coats,many", "csv:2: the count is 'many'"), ("Hats,1", "csv:2: no category 'Hats'")],
)
def test_faulty_counts_are_refused_with_their_line(run, tree, tmp_path, row, named):
    (tmp_path / "c.csv").write_text(f"category,count\n{row}\n")
    with pytest.raises(InputError, match=named):
        run("rollup", tree, "c.csv", "--counts", "--depth", "1")


def test_reduce_reports_what_changes(run, tree, tmp_path):
    (tmp_path / "rules.csv").write_text(
        "from,to\nActivewear > Skirts,Skirts\nActivewear > Tops,Coats\n"
    )
    (tmp_path / "p.csv").write_text("title,category\nA,Activewear > Tops\nB,Coats\n")
    assert run("reduce", tree, "--reduction", "rules.csv", "--data", "p.csv", "--output", "r.json")[
        :-1
    ] == [
        "4 leaves become 2: 2 are merged",
        "  Activewear > Skirts -> Skirts  (products: 0)",
        "  Activewear > Tops -> Coats  (products: 1)",
        "Gone, because they have no leaf left: Activewear",
        "1 of 2 labelled products get another label",
    ]
    assert Taxonomy.load(str(tmp_path / "r.json")).leaves == ["Coats", "Skirts"]


def test_suggest_lists_what_workers_confuse_and_writes_a_reduction(
    run, by_path, manifest, tmp_path
):
    arguments = ("--data", manifest, "--min-confused", "1", "--output", "rules.csv", "--json")
    (said,) = run("suggest", by_path, *arguments)
    (pair,) = json.loads(said)["pairs"]
    assert (pair["confused"], pair["n"], pair["gain"]) == (2, 5, 1)
    (merge,) = csv.DictReader((tmp_path / "rules.csv").open())
    assert set(merge.values()) == {"Skirts", "Activewear > Short"}


def test_suggest_lists_what_a_run_confuses(run, tree, tmp_path):
    said = [("Coats", "Skirts")] * 3 + [("Coats", "Coats")] * 7 + [("Skirts", "Skirts")] * 20
    columns = {
        **{"model": "candidate", "mode": "combined", "split": "eval"},
        "category": [label for label, _ in said],
        "predicted": [predicted for _, predicted in said],
        "group": list(range(30)),
    }
    for number in (9, 10):
        folder = tmp_path / "out" / "pipeline" / "Evaluator" / "evaluation" / str(number)
        folder.mkdir(parents=True)
        rows = 30 if number == 10 else 1
        table = {k: v[:rows] if isinstance(v, list) else [v] * rows for k, v in columns.items()}
        parquet.write_table(pa.table(table), folder / "predictions.parquet")
    lines = run("suggest", tree, "--run", "out")
    assert lines[:2] == ["30 products compared; 27 (90.0%) are predicted right", "Coats -> Skirts"]
    assert lines[2].startswith("  3 of 30 confused: 10.0% [2.1% to 26.5%]")
    assert lines[3] == "  merged: 3 more would be right (100.0% in all)"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((), "give --data"), (("--run", "nowhere"), "nowhere"), (("--run", "."), "no predictions")],
)
def test_suggest_refuses_what_holds_no_evidence(run, tree, arguments, named):
    with pytest.raises(InputError, match=named):
        run("suggest", tree, *arguments)


def test_data_with_two_label_attributes_is_refused_with_this_commands_remedy(run, tree, tmp_path):
    custom = {"type": "groundtruth/custom"}
    line = {"title": "T", "x": "Coats", "x-metadata": custom, "y": "Coats", "y-metadata": custom}
    (tmp_path / "m.manifest").write_text(json.dumps(line) + "\n")
    with pytest.raises(InputError, match=r"2 label attributes.* --label-attribute NAME\."):
        run("rollup", tree, "m.manifest", "--depth", "1")
    arguments = ("--depth", "1", "--label-attribute", "y")
    assert run("rollup", tree, "m.manifest", *arguments) == ["1  Coats"]


def test_a_draw_holds_counts_and_refuses_a_run_of_another_tree(run, by_path, manifest, tmp_path):
    run("draw", by_path, "--data", manifest, "--output", "t.html")
    assert '"counts":[4,' in (tmp_path / "t.html").read_text()
    columns = {
        **{"model": ["candidate"], "mode": ["combined"], "split": ["eval"]},
        **{"category": ["x"], "predicted": ["x"]},
    }
    parquet.write_table(pa.table(columns), tmp_path / "predictions.parquet")
    with pytest.raises(InputError, match="no prediction on eval of a category of this tree"):
        run("draw", by_path, "--run", ".", "--output", "t.html")
