"""Categories in their tree."""

from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training.label_space import LabelSpace, node_index

TREE = Taxonomy.from_nodes(
    [
        {"id": "main", "name": "Main", "subcategories": ["wear", "mugs"]},
        {"id": "wear", "name": "Wear", "subcategories": ["shoes", "hats"], "parent": "main"},
        {"id": "shoes", "name": "Shoes", "subcategories": ["boots", "clogs"], "parent": "wear"},
        {"id": "boots", "name": "Boots", "subcategories": [], "parent": "shoes"},
        {"id": "clogs", "name": "Clogs", "subcategories": [], "parent": "shoes"},
        {"id": "hats", "name": "Hats", "subcategories": [], "parent": "wear"},
        {"id": "mugs", "name": "Mugs", "subcategories": [], "parent": "main"},
    ]
)
LABELS = LabelSpace(["boots", "clogs", "hats", "mugs"], TREE)


def test_categories_have_a_parent_and_an_ancestor_at_each_depth_down_to_it():
    assert LABELS.parents == ["shoes", "shoes", "wear", "mugs"]
    assert LABELS.parent_levels == [2, 2, 1, 1]
    assert LABELS.nodes_at_level(1) == ["wear", "wear", "wear", "mugs"]
    assert LABELS.nodes_at_level(2) == ["shoes", "shoes", None, None]


def test_node_index_groups_equal_nodes_and_leaves_out_none():
    assert node_index(["a", "b", "a", None]).tolist() == [0, 1, 0, -1]
