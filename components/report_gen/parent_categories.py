"""Parent categories: the thresholds at which the model answers with one, and how it did."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from shelfsort.contract.calibration import ModalityCalibration
from shelfsort.products.taxonomy import Taxonomy


@dataclass(frozen=True)
class ParentRow:
    """One parent category, at any depth.

    `thresholds` has one entry for each target of the model, None where it abstains; they are
    fitted on `calibration_n` products whose predicted category lies below. `answered` eval products
    got the node for an answer, their category being in doubt; `right` of them belong there.
    """

    path: str
    thresholds: tuple[float | None, ...]
    calibration_n: int
    answered: int
    right: int


def parent_rows(
    combined: pd.DataFrame,
    calibration: ModalityCalibration,
    tree: Taxonomy,
    targets: Sequence[float],
) -> list[ParentRow]:
    """Rows in the order of their paths.

    Args:
        combined: columns answer and category, of the model as it is served.
        calibration: of the modality that answers most products.
        tree: of the categories.
        targets: of the model, rising.
    """
    above = {leaf: set(tree.ancestors(leaf)) for leaf in tree.leaves}
    answered: dict[str, int] = {}
    right: dict[str, int] = {}
    for answer, category in zip(combined.answer, combined.category, strict=True):
        answered[answer] = answered.get(answer, 0) + 1
        right[answer] = right.get(answer, 0) + (answer in above.get(category, ()))
    rows = [
        ParentRow(
            path=tree.path(node),
            thresholds=tuple(calibration.parent_threshold(node, target) for target in targets),
            calibration_n=n,
            answered=answered.get(node, 0),
            right=right.get(node, 0),
        )
        for node, n in calibration.n_by_parent.items()
        if node not in above
    ]
    return sorted(rows, key=lambda row: row.path)
