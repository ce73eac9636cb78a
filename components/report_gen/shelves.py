"""The nodes above the categories: from which score on the model answers with one of them."""

from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from shelfsort.contract.calibration import ModalityCalibration
from shelfsort.contract.targets import TARGETS


class Tree(Protocol):
    """What a shelf's row needs of shelfsort.products.taxonomy.Taxonomy."""

    leaves: list[str]

    def path(self, node: str) -> str: ...

    def ancestors(self, node: str) -> list[str]: ...


@dataclass(frozen=True)
class ShelfRow:
    """One node above the categories.

    `thresholds` has one entry for each of TARGETS, None where it abstains; they are fitted on
    `calibration_n` products whose predicted category lies below. `answered` eval products got the
    node for an answer, their category being in doubt; `right` of them belong there.
    """

    path: str
    thresholds: tuple[float | None, ...]
    calibration_n: int
    answered: int
    right: int


def shelf_rows(
    combined: pd.DataFrame, calibration: ModalityCalibration, tree: Tree
) -> list[ShelfRow]:
    """Rows in the order of their paths.

    Args:
        combined: columns answer and category, of the model as it is served.
        calibration: of the modality that answers most products.
        tree: of the categories.
    """
    above = {leaf: set(tree.ancestors(leaf)) for leaf in tree.leaves}
    answered: dict[str, int] = {}
    right: dict[str, int] = {}
    for answer, category in zip(combined.answer, combined.category, strict=True):
        answered[answer] = answered.get(answer, 0) + 1
        right[answer] = right.get(answer, 0) + (answer in above.get(category, ()))
    rows = [
        ShelfRow(
            path=tree.path(node),
            thresholds=tuple(calibration.parent_threshold(node, target) for target in TARGETS),
            calibration_n=n,
            answered=answered.get(node, 0),
            right=right.get(node, 0),
        )
        for node, n in calibration.n_by_parent.items()
        if node not in above
    ]
    return sorted(rows, key=lambda row: row.path)
