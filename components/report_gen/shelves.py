"""The shelves above the categories: from which score on the model answers with one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd


class Tree(Protocol):
    """What a shelf's row needs of shelfsort.products.taxonomy.Taxonomy."""

    leaves: list[str]

    def path(self, node: str) -> str: ...

    def ancestors(self, node: str) -> list[str]: ...


@dataclass(frozen=True)
class ShelfRow:
    """One shelf that is no category itself.

    `threshold_*` are None where it abstains, fitted on `calibration_n` products whose predicted
    category lies below. `answered` eval products got the shelf for an answer, their category being
    in doubt; `right` of them belong there.
    """

    path: str
    threshold_95: float | None
    threshold_98: float | None
    calibration_n: int
    answered: int
    right: int


def shelf_rows(
    combined: pd.DataFrame, by_parent: Mapping[str, Mapping[str, Any]], tree: Tree
) -> list[ShelfRow]:
    """Rows in the order of their paths.

    Args:
        combined: columns answer and category, of the model as it is served.
        by_parent: thresholds by shelf, as the Trainer fitted them.
        tree: of the categories.
    """
    above = {leaf: set(tree.ancestors(leaf)) for leaf in tree.leaves}
    answered, right = {}, {}
    for answer, category in zip(combined.answer, combined.category, strict=True):
        answered[answer] = answered.get(answer, 0) + 1
        right[answer] = right.get(answer, 0) + (answer in above.get(category, ()))
    rows = [
        ShelfRow(
            path=tree.path(shelf),
            threshold_95=fitted.get("95"),
            threshold_98=fitted.get("98"),
            calibration_n=int(fitted.get("n", 0)),
            answered=answered.get(shelf, 0),
            right=right.get(shelf, 0),
        )
        for shelf, fitted in by_parent.items()
        if shelf not in above
    ]
    return sorted(rows, key=lambda row: row.path)
