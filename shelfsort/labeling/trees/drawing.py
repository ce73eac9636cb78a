"""One HTML file that shows a tree with the counts and the accuracy of its categories."""

import html
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from string import Template
from typing import Any

import numpy as np

from shelfsort.core.web.document import document
from shelfsort.core.web.inline import shown_json
from shelfsort.labeling.trees.labelled import Counts
from shelfsort.labeling.trees.predictions import Prediction
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.trees.findings import shape
from shelfsort.stats.binomial import interval
from shelfsort.stats.design_effect import effective_size


@dataclass(frozen=True)
class Accuracy:
    """How well a model does on the products labelled with a category or one below it.

    Attributes:
        n: number of products.
        right: number of products whose leaf is predicted right.
        within: number of products for which a leaf at or below the category is predicted.
        low, high: exact 95 % interval of `right` / `n`; variants of one product count as far as
            they differ.
    """

    n: int
    right: int
    within: int
    low: float
    high: float


def accuracies(tree: Taxonomy, predictions: Iterable[Prediction]) -> dict[str, Accuracy]:
    """The accuracy of each category that a prediction was made for, the root included.

    Predictions of products whose label the tree does not have are left out.
    """
    rows: dict[str, list[tuple[bool, bool, object]]] = defaultdict(list)
    above: dict[str, list[str]] = {}
    for each in predictions:
        if each.label not in tree:
            continue
        if each.label not in above:
            above[each.label] = [tree.root, *tree.ancestors(each.label), each.label]
        known = each.predicted in tree
        beside = {*tree.ancestors(each.predicted), each.predicted, tree.root} if known else set()
        right = each.label == each.predicted
        for id_ in dict.fromkeys(above[each.label]):
            rows[id_].append((right, id_ in beside, each.group))
    return {id_: _accuracy(held) for id_, held in rows.items()}


def page(
    tree: Taxonomy,
    name: str,
    counts: Counts | None = None,
    accuracy: Mapping[str, Accuracy] | None = None,
) -> bytes:
    """Draws the page.

    Args:
        tree: that is shown.
        name: of the tree, for the heading.
        counts: labelled products, None where none are shown.
        accuracy: by category, None where no run is shown.

    Returns:
        HTML, UTF-8. It names no address outside itself, and a browser that honours its content
        security policy runs the page's own script and nothing else.
    """
    body = Template(_static("tree.html")).substitute(
        name=html.escape(name),
        version=html.escape(tree.version),
        data=shown_json(_content(tree, counts, accuracy)),
    )
    title, style = f"Category tree: {name}", _static("tree.css")
    return document(title, body, style=style, script=_static("tree.js"))


def _accuracy(rows: list[tuple[bool, bool, object]]) -> Accuracy:
    codes = {group: code for code, group in enumerate({group for *_, group in rows})}
    right = np.array([each for each, _, _ in rows])
    effective = effective_size(right, np.array([codes[group] for *_, group in rows]))
    low, high = interval(float(right.mean()) * effective, effective)
    within = sum(each for _, each, _ in rows)
    return Accuracy(len(rows), int(right.sum()), within, low, high)


def _content(
    tree: Taxonomy, counts: Counts | None, accuracy: Mapping[str, Accuracy] | None
) -> dict[str, Any]:
    """What the script shows: parents before children, each as the index of its parent."""
    order = list(tree.descending())
    place = {id_: index for index, id_ in enumerate(order)}
    beneath = [counts.of[id_] if counts else 0 for id_ in order]
    parents = [-1 if id_ == tree.root else place[tree.parent(id_)] for id_ in order]
    for index in range(len(order) - 1, 0, -1):
        beneath[parents[index]] += beneath[index]
    size = shape(tree)
    return {
        "parents": parents,
        "names": [tree.name(id_) for id_ in order],
        "ids": [None if tree.path(id_) == id_ else id_ for id_ in order],
        "counts": beneath if counts else None,
        "accuracy": None if accuracy is None else [_figures(accuracy.get(id_)) for id_ in order],
        "leaves": size.leaves,
        "levels": size.levels,
        "left_out": counts.left_out.total() if counts else 0,
    }


def _figures(each: Accuracy | None) -> list[float] | None:
    if each is None:
        return None
    return [each.n, each.right, each.within, round(each.low, 4), round(each.high, 4)]


def _static(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
