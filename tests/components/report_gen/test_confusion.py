"""Confusion on a handful of predictions counted by hand."""

import pandas as pd

from components.report_gen.confusion import MAX_SIBLINGS, frequent_pairs, sibling_matrices

PARENTS = {"jeans": "clothes", "bras": "clothes", "shirts": "clothes", "boots": "shoes"}
LEAVES = list(PARENTS)


def predictions(*pairs: tuple[str, str, bool]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["category", "predicted", "accepted_95"])


MIXED = predictions(
    ("jeans", "jeans", True),
    ("jeans", "bras", True),
    ("jeans", "bras", False),
    ("bras", "boots", True),
    ("bras", "bras", True),
    ("boots", "boots", True),
)


def test_pairs_are_counted_with_their_decisions_and_kinship():
    first, second = frequent_pairs(MIXED, PARENTS, "accepted_95")
    assert (first.category, first.predicted, first.count, first.decided) == ("jeans", "bras", 2, 1)
    assert first.siblings
    assert (second.category, second.predicted, second.count) == ("bras", "boots", 1)
    assert not second.siblings


def test_a_category_unknown_to_the_tree_is_nobodys_sibling():
    pair = frequent_pairs(predictions(("gone", "lost", False)), PARENTS, "accepted_95")[0]
    assert not pair.siblings


def test_matrix_holds_the_confused_siblings_and_counts_the_rest_as_elsewhere():
    (matrix,) = sibling_matrices(MIXED, PARENTS, LEAVES)
    assert (matrix.parent, matrix.children) == ("clothes", ["jeans", "bras"])
    assert matrix.counts == [[1, 2], [0, 1]]
    assert matrix.elsewhere == [0, 1]
    assert (matrix.left_out, matrix.mistakes) == (1, 2)


def test_parents_without_confused_siblings_have_no_matrix():
    assert sibling_matrices(predictions(("bras", "boots", True)), PARENTS, LEAVES) == []


def test_a_matrix_stays_readable_under_a_parent_of_many():
    leaves = [f"leaf{i:02d}" for i in range(40)]
    parents = dict.fromkeys(leaves, "main")
    rows = predictions(*((leaves[i], leaves[(i + 1) % 40], True) for i in range(40)))
    (matrix,) = sibling_matrices(rows, parents, leaves)
    assert len(matrix.children) == MAX_SIBLINGS
    assert matrix.left_out == 40 - MAX_SIBLINGS
    assert sum(map(sum, matrix.counts)) + sum(matrix.elsewhere) == MAX_SIBLINGS
