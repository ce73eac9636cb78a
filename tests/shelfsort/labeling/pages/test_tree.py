import json

import pytest

from shelfsort.labeling.pages.tree import MOST_FILES, Guide, picker_nodes, split_nodes
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_forms import nodes_of_paths


@pytest.fixture
def tree():
    return Taxonomy.from_nodes(nodes_of_paths(["Bags > Totes", "Bags > Purses", "Hats"]))


def leaves(nodes, files, above=()):
    for node in nodes:
        names = (*above, node["name"])
        children = node.get("children")
        if "file" in node:
            children = files[node["file"]][node["id"]]
        if children is None:
            yield node.get("label", " > ".join(names))
        else:
            yield from leaves(children, files, names)


def test_nodes_have_the_names_and_the_guide(tree):
    guide = Guide({"Bags": "To carry."}, {"Hats": ("data:,x",)})
    assert picker_nodes(tree, guide) == [
        {
            "id": "Bags",
            "name": "Bags",
            "children": [
                {"id": "Bags > Purses", "name": "Purses"},
                {"id": "Bags > Totes", "name": "Totes"},
            ],
            "about": "To carry.",
        },
        {"id": "Hats", "name": "Hats", "examples": ["data:,x"]},
    ]


def test_a_leaf_whose_path_means_two_categories_is_labelled_by_its_id():
    nodes = [
        {"id": "top", "name": "Main", "subcategories": ["1", "2"]},
        {"id": "1", "name": "Hats", "subcategories": [], "parent": "top"},
        {"id": "2", "name": "Hats", "subcategories": [], "parent": "top"},
    ]
    assert [node["label"] for node in picker_nodes(Taxonomy.from_nodes(nodes))] == ["1", "2"]


@pytest.mark.parametrize("width", [3, 9, 20])
def test_a_tree_in_files_has_every_leaf_and_small_files(width):
    paths = [
        f"Top {a} > Middle {b} > A leaf with a rather long name {c}"
        for a in range(width)
        for b in range(width)
        for c in range(width)
    ]
    nodes = picker_nodes(Taxonomy.from_nodes(nodes_of_paths(paths)))
    split = split_nodes(nodes)
    assert len(split.files) <= MOST_FILES
    assert all("children" not in node for node in split.nodes)
    assert set(leaves(split.nodes, split.files)) == set(paths)
    total = len(json.dumps(nodes))
    assert max(len(json.dumps(each)) for each in split.files) < max(80_000, total / 10)
