import json
import re

import pytest
from scipy.stats import binomtest

from shelfsort.labeling.trees.drawing import Accuracy, accuracies, page
from shelfsort.labeling.trees.labelled import Counts
from shelfsort.labeling.trees.predictions import Prediction
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_forms import nodes_of_paths

TREE = Taxonomy.from_nodes(nodes_of_paths(["A > B", "A > C", "D"]))
PREDICTIONS = [
    Prediction("A > B", "A > B", 1),
    Prediction("A > B", "A > C", 2),
    Prediction("A > C", "D", 3),
    Prediction("D", "elsewhere", 4),
    Prediction("elsewhere", "D", 5),
]


def exact(k, n):
    """The interval of an independent library."""
    found = binomtest(k, n).proportion_ci(0.95, method="exact")
    return pytest.approx((found.low, found.high))


def content_of(drawn):
    (data,) = re.findall(rb'id="data">(.*?)</script>', drawn, re.DOTALL)
    return json.loads(data)


def test_accuracy_counts_the_right_leaf_and_the_branch_on_every_level():
    found = accuracies(TREE, PREDICTIONS)
    figures = {id_: (each.n, each.right, each.within) for id_, each in found.items()}
    assert figures == {
        "root": (4, 1, 3),
        "A": (3, 1, 2),
        "A > B": (2, 1, 1),
        "A > C": (1, 0, 0),
        "D": (1, 0, 0),
    }
    assert (found["A"].low, found["A"].high) == exact(1, 3)


def test_a_page_holds_counts_of_a_category_and_all_below_it():
    counts = Counts()
    counts.of.update({"A > B": 3, "D": 4})
    drawn = content_of(page(TREE, "t", counts, {"D": Accuracy(2, 1, 1, 0.01, 0.99)}))
    assert drawn["names"] == ["All products", "A", "B", "C", "D"]
    assert drawn["parents"] == [-1, 0, 1, 1, 0]
    assert drawn["counts"] == [7, 3, 3, 0, 4]
    assert drawn["accuracy"] == [None, None, None, None, [2, 1, 1, 0.01, 0.99]]


def test_hostile_names_stay_text():
    name = "</script><img src=x onerror=alert(1)>"
    tree = Taxonomy.from_nodes([{"id": "r", "name": "R"}, {"id": "x", "name": name, "parent": "r"}])
    drawn = page(tree, name)
    assert b"<img" not in drawn
    assert content_of(drawn)["names"] == ["R", name]
