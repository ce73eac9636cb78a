import pytest

from shelfsort.core.errors import InputError
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_forms import nodes_of_paths
from shelfsort.products.trees.rollup import RollUp

TREE = Taxonomy.from_nodes(nodes_of_paths(["A > B > C", "A > B > D", "A > E", "F"]))
COUNTS = {"A > B > C": 1, "A > B > D": 2, "A > E": 4, "F": 8}


def test_counts_are_summed_on_a_level_and_upper_leaves_stay():
    assert RollUp(TREE, depth=1).counts(COUNTS) == ({"A": 7, "F": 8}, 0)
    assert RollUp(TREE, depth=2).counts(COUNTS) == ({"A > B": 3, "A > E": 4, "F": 8}, 0)


def test_counts_are_summed_at_the_nearest_named_ancestor():
    assert RollUp(TREE, to=["A", "A > B"]).counts(COUNTS) == ({"A": 4, "A > B": 3}, 8)


@pytest.mark.parametrize(
    ("choice", "named"),
    [({}, "one of the two"), ({"depth": 1, "to": ["A"]}, "one of the two"), ({"to": ["G"]}, "'G'")],
)
def test_a_choice_that_is_none_is_refused(choice, named):
    with pytest.raises(InputError, match=named):
        RollUp(TREE, **choice)
