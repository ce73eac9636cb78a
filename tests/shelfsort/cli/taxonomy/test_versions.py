import json

import pytest

from shelfsort.core.errors import InputError


@pytest.fixture
def trees(tmp_path):
    (tmp_path / "old.txt").write_text("A > Hats\nA > Mugs\nB > Old\nB > Pots\n")
    (tmp_path / "new.txt").write_text("A > Mugs\nC > Hats\nB > Pots\n")
    value = {"workers": [{"worker_id": "w", "label": "A > Hats"}]}
    line = {"title": "T", "s": value, "s-metadata": {"type": "groundtruth/custom"}}
    gone = {**line, "s": {"workers": [{"worker_id": "w", "label": "B > Old"}]}}
    (tmp_path / "m.manifest").write_text("".join(json.dumps(each) + "\n" for each in (line, gone)))
    return "old.txt", "new.txt"


def test_a_mapping_from_diff_carries_labels_over(run, trees, tmp_path):
    assert run("diff", *trees, "--mapping-output", "map.csv") == [
        "1 moved",
        "  A > Hats -> C > Hats  (likely)",
        "1 deleted",
        "  B > Old",
        "1 added",
        "  C",
        "map.csv: 2 leaves to review",
    ]
    arguments = ["--from", trees[0], "--to", trees[1], "--output", "new.m", "--rest", "rest.m"]
    (said,) = run("migrate", "m.manifest", *arguments, "--mapping", "map.csv", "--json")
    assert json.loads(said) == {
        "carried": 1,
        "rest": 1,
        "labels": [{"from": "A > Hats", "to": "C > Hats", "n": 1}],
        "not_carried": [
            {
                "label": "B > Old",
                "reason": "deleted, and not in the mapping",
                "lines": 1,
                "first": f"{tmp_path}/m.manifest:2",
            }
        ],
    }


def test_migrate_overwrites_neither_its_input_nor_its_output(run, trees):
    for output, rest in (("m.manifest", "r"), ("x", "x"), ("x", "new.txt"), ("x", "./m.manifest")):
        with pytest.raises(InputError, match=r"is the input|twice"):
            run(
                *("migrate", "m.manifest", "--from", trees[0], "--to", trees[1]),
                *("--output", output, "--rest", rest),
            )


def test_migrate_refuses_a_table(run, trees, tmp_path):
    (tmp_path / "p.csv").write_text("title,category\nT,A > Hats\n")
    with pytest.raises(InputError, match="no manifest"):
        run(
            *("migrate", "p.csv", "--from", trees[0], "--to", trees[1]),
            *("--output", "a", "--rest", "b"),
        )
