import random

import pytest

from shelfsort.core.errors import InputError
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_forms import nodes_of_paths
from shelfsort.products.trees.difference import Change, difference
from shelfsort.products.trees.mapping import load_mapping, write_mapping


def by_id(**parents):
    """A tree of `id="Name parent"` below the root `r`."""
    nodes = [{"id": "r", "name": "All"}]
    for id_, text in parents.items():
        name, parent = text.split()
        nodes.append({"id": id_, "name": name, "parent": parent})
    return Taxonomy.from_nodes(nodes)


def by_path(*paths):
    return Taxonomy.from_nodes(nodes_of_paths(paths))


OLD = by_id(a="A r", b="B r", x="X a", y="Y a", z="Z b", w="W b")


def test_equal_trees_do_not_differ():
    assert difference(OLD, OLD, {}) == []


def test_ids_tell_moved_renamed_added_and_deleted():
    new = by_id(a="A r", b="B r", x="X b", y="Why a", z="Z b", n="N b")
    assert difference(OLD, new, {}) == [
        Change("moved", "x", "x"),
        Change("renamed", "y", "y"),
        Change("deleted", "w"),
        Change("added", new="n"),
    ]


def test_a_mapping_tells_merged_and_the_target_stays_as_it_was():
    new = by_id(a="A r", b="B r", x="X a", z="Z b", w="W b")
    assert difference(OLD, new, {"y": "x"}) == [Change("merged", "y", "x")]


def test_leaves_of_a_category_that_is_a_leaf_now_were_likely_merged_into_it():
    new = by_id(a="A r", b="B r", z="Z b", w="W b")
    assert difference(OLD, new, {}) == [
        Change("merged", "x", "a", likely=True),
        Change("merged", "y", "a", likely=True),
    ]


def test_where_ids_are_paths_names_tell_what_is_likely():
    old = by_path("A > Hats", "A > Mugs", "B > Sofas", "B > C")
    new = by_path("A > Mugs", "B > Hats", "B > Sofa", "B > C")
    assert difference(old, new, {}) == [
        Change("moved", "A > Hats", "B > Hats", likely=True),
        Change("renamed", "B > Sofas", "B > Sofa", likely=True),
    ]


def test_a_mapping_is_written_to_review_and_read_again(tmp_path):
    new = by_id(a="A r", b="B r", x="X b", y="Why a", z="Z b", n="N b")
    path = str(tmp_path / "mapping.csv")
    assert write_mapping(path, difference(OLD, new, {}), OLD, new) == 3
    assert (tmp_path / "mapping.csv").read_text() == (
        "from,to,change,likely\nx,x,moved,\ny,y,renamed,\nw,,deleted,\n"
    )
    assert load_mapping(path, OLD, new) == {"x": "x", "y": "y"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("from\nx\n", "no column 'to'"),
        ("from,to\nx,q\n", ":2: new tree: no category 'q'"),
        ("from,to\nq,x\n", ":2: old tree: no category 'q'"),
        ("from,to\nx,x\nx,y\n", ":3: 'x' is mapped twice"),
        ("from,to\n" + "x" * 140_000 + ",x\n", ":2: field larger than field limit"),
        ("x" * 140_000 + "\n", ":1: field larger than field limit"),
    ],
)
def test_a_faulty_mapping_is_refused_with_its_line(tmp_path, text, named):
    path = tmp_path / "mapping.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=named):
        load_mapping(str(path), OLD, OLD)


def test_long_names_are_compared_by_their_beginnings():
    letters = [chr(0x4E00 + n) for n in range(300)]
    long, other = ("".join(random.Random(seed).choices(letters, k=100_000)) for seed in (1, 2))
    start = "Hats of all kinds " * 12
    old, new = by_path(f"A > {start}{long}", "B"), by_path(f"A > {start}{other}", "B")
    assert [change.kind for change in difference(old, new, {})] == ["renamed"]
