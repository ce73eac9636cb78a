import pytest

from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_forms import nodes_of_paths
from shelfsort.products.trees.findings import Finding, findings, plain, shape


def tree_of(*nodes):
    """A tree of (id, name, parent) below the root `r`."""
    return Taxonomy.from_nodes(
        [
            {"id": "r", "name": "All"},
            *({"id": id_, "name": name, "parent": parent} for id_, name, parent in nodes),
        ]
    )


def test_a_plain_tree_has_a_shape_and_no_findings():
    tree = Taxonomy.from_nodes(nodes_of_paths(["A > B", "A > C > D", "A > C > E", "F"]))
    size = shape(tree)
    assert (size.categories, size.leaves, size.levels) == (6, 4, 3)
    assert size.leaves_by_level == (1, 1, 2)
    assert (size.widest, size.widest_children) == ("root", 2)
    assert findings(tree) == []


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ([("a", "X", "r"), ("b", "X", "r")], "same_path"),
        ([("a", "Hats", "r"), ("b", "hàts", "r")], "similar_siblings"),
        ([("a", "A", "r"), ("b", "X > Y", "r")], "separator_in_name"),
        ([("a", "A", "r"), ("b", " X", "r")], "blanks_around_name"),
        ([("a", "A", "r"), ("b", "X\u202e", "r")], "unseen_characters"),
        ([("a", "b", "r"), ("b", "X", "r")], "id_is_another_name"),
    ],
)
def test_what_confuses_is_found_at_the_later_category(nodes, found):
    assert [(each.kind, each.category) for each in findings(tree_of(*nodes))][:1] == [(found, "b")]


def test_leaves_with_the_name_of_another_category_are_found():
    nodes = [("a", "A", "r"), ("b", "B", "r"), ("x", "S", "a"), ("y", "S", "b"), ("z", "B", "a")]
    assert findings(tree_of(*nodes)) == [
        Finding("leaf_named_like_inner", "z", "b"),
        Finding("repeated_leaf_name", "y", "x"),
        Finding("only_child", "b", "y"),
    ]


def test_paths_as_ids_are_not_another_categorys_name():
    tree = Taxonomy.from_nodes(nodes_of_paths(["Skirts", "Activewear > Skirts", "Activewear > T"]))
    assert {each.kind for each in findings(tree)} == {"repeated_leaf_name"}


@pytest.mark.parametrize("typo", ["Kitchn", "Kitchenn", "Kitchem", "Ktichen", "kichen"])
def test_a_mistyped_parent_is_found_beside_the_category_that_is_meant(typo):
    tree = Taxonomy.from_nodes(
        nodes_of_paths(["Kitchen > Mugs", "Kitchen > Bowls", f"{typo} > Plates", "Kits"])
    )
    assert findings(tree) == [
        Finding("mistyped_parent", typo, "Kitchen"),
        Finding("only_child", typo, f"{typo} > Plates"),
    ]


def test_names_that_may_well_be_alike_are_not_mistyped():
    leaves = ["Kitchen > Mugs", "Kitchen > Jugs"]
    series = [
        f"Type {letter} > {each}" for letter in "ABCDE" for each in (f"x{letter}", f"y{letter}")
    ]
    numbers = [f"Level {n} > {each}" for n in "12" for each in (f"s{n}", f"t{n}")]
    short = ["Cat > k", "Cat > l", "Hat > m", "Hat > n"]
    tree = Taxonomy.from_nodes(nodes_of_paths([*leaves, *series, *numbers, *short]))
    assert findings(tree) == []


def test_texts_are_compared_without_case_accents_and_blanks():
    assert plain("  Café\u00a0AU  Lait ") == "cafe au lait"
