"""Which categories are taken for which: among siblings, and the most frequent pairs overall."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

MAX_MATRICES = 12
MAX_SIBLINGS = 12
MAX_PAIRS = 14


@dataclass(frozen=True)
class Pair:
    """`count` products of `category` were put into `predicted`; the model decided `decided`."""

    category: str
    predicted: str
    count: int
    decided: int
    siblings: bool


@dataclass(frozen=True)
class SiblingMatrix:
    """Counts among the children of one category.

    `counts[i][j]`: products of `children[i]` put into `children[j]`. `elsewhere[i]`: put anywhere
    else (another parent, or one of the `left_out` siblings that are never confused or did not fit).
    """

    parent: str
    children: list[str]
    counts: list[list[int]]
    elsewhere: list[int]
    left_out: int
    mistakes: int


def frequent_pairs(
    predictions: pd.DataFrame, parents: Mapping[str, str], decided_by: str
) -> list[Pair]:
    """The most frequent wrong pairs.

    Args:
        predictions: columns category, predicted and `decided_by`; one row a product.
        parents: direct parent of each leaf.
        decided_by: the column that says whether the model decided, such as accepted_95.
    """
    wrong = predictions[predictions.category != predictions.predicted]
    grouped = wrong.groupby(["category", "predicted"], sort=True)[decided_by].agg(["size", "sum"])
    grouped = grouped.sort_values("size", ascending=False, kind="stable").head(MAX_PAIRS)
    return [
        Pair(
            category=category,
            predicted=predicted,
            count=int(row["size"]),
            decided=int(row["sum"]),
            siblings=_are_siblings(category, predicted, parents),
        )
        for (category, predicted), row in grouped.iterrows()
    ]


def sibling_matrices(
    predictions: pd.DataFrame, parents: Mapping[str, str], leaves: list[str]
) -> list[SiblingMatrix]:
    """One matrix for each parent with at least one confusion among its children, worst first."""
    pairs = Counter(zip(predictions.category, predictions.predicted, strict=True))
    mistakes: Counter[str] = Counter()
    for (category, predicted), count in pairs.items():
        if category != predicted and _are_siblings(category, predicted, parents):
            mistakes[parents[category]] += count
    return [
        _matrix(parent, count, pairs, [leaf for leaf in leaves if parents.get(leaf) == parent])
        for parent, count in mistakes.most_common(MAX_MATRICES)
    ]


def _are_siblings(category: str, predicted: str, parents: Mapping[str, str]) -> bool:
    return category in parents and parents[category] == parents.get(predicted)


def _matrix(
    parent: str, mistakes: int, pairs: Counter[tuple[str, str]], siblings: list[str]
) -> SiblingMatrix:
    among = set(siblings)
    involved: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for (category, predicted), count in pairs.items():
        totals[category] += count
        if category != predicted and category in among and predicted in among:
            involved[category] += count
            involved[predicted] += count
    shown = {child for child, _ in involved.most_common(MAX_SIBLINGS)}
    children = [child for child in siblings if child in shown]
    counts = [[pairs[row, column] for column in children] for row in children]
    return SiblingMatrix(
        parent=parent,
        children=children,
        counts=counts,
        elsewhere=[totals[row] - sum(line) for row, line in zip(children, counts, strict=True)],
        left_out=len(siblings) - len(children),
        mistakes=mistakes,
    )
