import json

import pytest

from shelfsort.products.manifest.lines import Line
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_forms import nodes_of_paths
from shelfsort.products.trees.migration import Carrier, NotCarried, migrate

OLD = Taxonomy.from_nodes(nodes_of_paths(["A > Hats", "A > Mugs", "B > Old", "B > Pots"]))
NEW = Taxonomy.from_nodes(
    nodes_of_paths(["A > Mugs", "C > Hats", "B > Pots > Big", "B > Pots > S"])
)
CARRY = Carrier(OLD, NEW, {"A > Hats": "C > Hats"}).label


@pytest.mark.parametrize(
    ("label", "carried"),
    [
        ("A > Mugs", "A > Mugs"),
        ("Mugs", "Mugs"),
        ("A>Mugs", "A>Mugs"),
        ("A > Hats", "C > Hats"),
        ("Hats", "C > Hats"),
    ],
)
def test_a_label_is_carried_over_by_mapping_or_because_it_is_the_same(label, carried):
    assert CARRY(label) == carried


@pytest.mark.parametrize(
    ("label", "why"),
    [
        ("B > Old", "deleted"),
        ("B > Pots", "has subcategories"),
        ("Nothing", "not in the old tree"),
    ],
)
def test_a_label_without_a_leaf_is_not_carried(label, why):
    with pytest.raises(NotCarried, match=why):
        CARRY(label)


def test_an_id_stays_an_id_and_a_path_a_path():
    old = Taxonomy.from_nodes([{"id": "r", "name": "R"}, {"id": "1", "name": "A", "parent": "r"}])
    new = Taxonomy.from_nodes([{"id": "r", "name": "R"}, {"id": "2", "name": "Z", "parent": "r"}])
    carry = Carrier(old, new, {"1": "2"}).label
    assert (carry("1"), carry("A")) == ("2", "Z")


def lines_of(*records):
    contents = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in records]
    return [Line(number, each, file="m") for number, each in enumerate(contents, start=1)]


def custom(*labels, gold=None, **more):
    workers = [{"worker_id": f"w{n}", "label": each, "seconds": n} for n, each in enumerate(labels)]
    value = {"workers": workers, "result": {"shelf": labels[0]}, "note": "kept"}
    fields = {"title": "T", "shelf": value, "shelf-metadata": {"type": "groundtruth/custom"}}
    return {**fields, **({"gold": gold} if gold else {}), **more}


def test_every_line_is_in_one_file_and_only_labels_change(tmp_path):
    classified = {
        "source-ref": "x.jpg",
        "c": 4,
        "c-metadata": {"class-name": "Hats", "type": "groundtruth/image-classification", "x": 1},
    }
    records = [
        custom("A > Hats", "A > Mugs", gold="A > Hats", mine=[1]),
        custom("A > Mugs", "B > Old"),
        classified,
        b'{"broken',
        {"title": "no label"},
    ]
    new, rest = tmp_path / "new", tmp_path / "rest"
    outcome = migrate(lines_of(*records), CARRY, str(new), str(rest))
    written = [json.loads(line) for line in new.read_text().splitlines()]
    expected = custom("C > Hats", "A > Mugs", gold="C > Hats", mine=[1])
    assert written[0] == expected
    assert written[1] == {
        **classified,
        "c-metadata": {**classified["c-metadata"], "class-name": "C > Hats"},
    }
    assert written[2] == {"title": "no label"}
    assert rest.read_bytes() == json.dumps(records[1]).encode() + b'\n{"broken\n'
    assert (outcome.carried, outcome.rest) == (3, 2)
    assert outcome.labels == {("A > Hats", "C > Hats"): 3, ("Hats", "C > Hats"): 1}
    assert [(label, outcome.first[label, why]) for label, why in outcome.not_carried] == [
        ("B > Old", "m:2"),
        ("", "m:4"),
    ]


@pytest.mark.parametrize(
    "hostile",
    [
        {"a": {"workers": [3, {"label": ["x"]}, {"label": None}]}, "a-metadata": {"type": 3}},
        {"a": [1], "a-metadata": {"class-name": {"b": 1}}},
        {"a": {"workers": {"label": "x"}, "result": "y"}, "a-metadata": {}},
    ],
)
def test_what_no_job_writes_stays_as_it_is(tmp_path, hostile):
    migrate(lines_of(hostile), CARRY, str(tmp_path / "new"), str(tmp_path / "rest"))
    assert json.loads((tmp_path / "new").read_text()) == hostile


@pytest.mark.parametrize("value", [b"NaN", rb'"\ud800"', b"1e999"])
def test_a_line_that_cannot_be_written_again_is_set_aside_as_it_was(tmp_path, value):
    line = b'{"title": ' + value + b"}"
    outcome = migrate(lines_of(line), CARRY, str(tmp_path / "new"), str(tmp_path / "rest"))
    assert (outcome.carried, outcome.rest) == (0, 1)
    assert (tmp_path / "rest").read_bytes() == line + b"\n"
