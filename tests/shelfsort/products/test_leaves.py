"""Which category a label means where inner categories are labels, too."""

import pickle

import pytest

from shelfsort.products.leaves import AnyPath, LeafResolver
from shelfsort.products.taxonomy import AmbiguousLabel, NotALeaf, Taxonomy, UnknownLabel
from shelfsort.products.taxonomy_forms import nodes_of_paths

PATHS = (
    "Wear > Shoes > Boots",
    "Wear > Shoes > Clogs",
    "Wear > Hats",
    "Home > Mugs",
    "Home > Hats",
)


def resolver(reduction=None, dropped=None, **settings) -> LeafResolver:
    tree = Taxonomy.from_nodes(nodes_of_paths(PATHS))
    return LeafResolver(tree, reduction, dropped=dropped, **{"inner": True, **settings})


@pytest.mark.parametrize("label", ["Wear > Shoes", " Wear>Shoes ", "Shoes"])
def test_an_inner_category_is_a_label_by_its_path_and_by_its_only_name(label):
    found = resolver()
    assert found.category(label) == "Wear > Shoes"
    assert found.is_inner("Wear > Shoes")
    with pytest.raises(NotALeaf):
        found.leaf(label)


def test_a_leaf_is_what_it_was():
    found = resolver()
    assert found.category("Boots") == found.leaf("Boots") == "Wear > Shoes > Boots"
    assert not found.is_inner("Wear > Shoes > Boots")


@pytest.mark.parametrize(
    ("label", "why"),
    [("Gloves", UnknownLabel), ("Wear > Gloves", UnknownLabel), ("Hats", AmbiguousLabel)],
)
def test_what_names_no_category_or_several_is_no_label(label, why):
    with pytest.raises(why):
        resolver().category(label)


def test_the_root_is_no_label():
    found = resolver()
    for label in (found.full.root, found.full.name(found.full.root)):
        with pytest.raises(NotALeaf, match="root"):
            found.category(label)


def test_inner_categories_are_no_labels_by_default():
    found = resolver(inner=False)
    with pytest.raises(NotALeaf):
        found.category("Wear > Shoes")
    assert not found.is_inner("Wear > Shoes")


def test_only_paths_are_labels_where_these_are_the_form():
    with pytest.raises(UnknownLabel):
        resolver(by="path").category("Shoes")


def test_a_reduction_below_a_category_leaves_it_a_label():
    found = resolver({"Wear > Shoes > Clogs": "Wear > Hats"})
    assert found.category("Wear") == "Wear"


def test_a_reduction_that_moves_leaves_out_of_a_category_makes_it_no_label():
    found = resolver({"Wear > Shoes > Clogs": "Wear > Hats"})
    with pytest.raises(NotALeaf, match="reduction"):
        found.category("Wear > Shoes")


def test_a_category_that_a_reduction_makes_a_leaf_is_a_leaf():
    shoes = "Wear > Shoes"
    found = resolver({f"{shoes} > Clogs": shoes, f"{shoes} > Boots": shoes})
    assert found.category("Shoes") == shoes
    assert not found.is_inner(shoes)


def test_a_category_is_learnt_where_all_leaves_below_are_chosen():
    found = resolver(dropped={"Wear > Hats": "not_selected", "Home > Mugs": "rare_category"})
    left_out = {node: found.left_out(node) for node in ("Wear", "Wear > Shoes", "Home")}
    assert left_out == {"Wear": "not_selected", "Wear > Shoes": "", "Home": ""}
    assert found.left_out("Home > Mugs") == "rare_category"


def test_a_category_of_which_every_leaf_is_rare_is_rare():
    rare = dict.fromkeys(("Home > Mugs", "Home > Hats"), "rare_category")
    assert resolver(dropped=rare).left_out("Home") == "rare_category"


def test_a_copy_in_another_process_takes_the_same_labels():
    found = pickle.loads(pickle.dumps(resolver().without({"Home > Mugs": "rare_category"})))
    assert found.category("Home") == "Home"
    assert found.is_inner("Home")


def test_before_there_is_a_tree_every_path_is_a_leafs():
    assert AnyPath().category("Wear>Shoes") == "Wear > Shoes"
    assert not AnyPath().is_inner("Wear > Shoes")
    assert AnyPath().left_out("Wear > Shoes") == ""
