"""What a run's model answered about the products it was judged on, read from its evaluation."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from components.evaluator.artifact import CANDIDATE, read_predictions
from shelfsort.contract.targets import accepted

COLUMNS = [
    "mode",
    "split",
    "product_id",
    "group",
    "category",
    "predicted",
    "predicted_parent",
    "score",
]


def read_scored(evaluation: Path | None, targets: Sequence[float]) -> pd.DataFrame | None:
    """The new model's answers: one row a product, mode and split.

    Args:
        evaluation: folder of the run's evaluation.
        targets: of the model, or some of them.

    Returns:
        Columns `COLUMNS`, and whether the answer is accepted at each target.
        None where the run has no evaluation.

    Raises:
        InputError: it was written by an earlier version, which did not keep what is compared.
    """
    if evaluation is None:
        return None
    rows = read_predictions(evaluation, [*COLUMNS, *map(accepted, targets)], model=CANDIDATE)
    return None if rows is None else rows.to_pandas()
