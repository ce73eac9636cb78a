"""What a run's model answered about the products it was judged on, read from its evaluation."""

from pathlib import Path

import pandas as pd

from components.evaluator.artifact import CANDIDATE, read_predictions
from shelfsort.contract.targets import TARGETS, accepted

COLUMNS = [
    "mode",
    "split",
    "product_id",
    "group",
    "category",
    "predicted",
    "predicted_parent",
    "score",
    *map(accepted, TARGETS),
]


def read_scored(evaluation: Path | None) -> pd.DataFrame | None:
    """The new model's answers: one row a product, mode and split, of `COLUMNS`.

    Returns:
        None where the run has no evaluation.

    Raises:
        InputError: it was written by an earlier version, which did not keep what is compared.
    """
    rows = read_predictions(evaluation, COLUMNS, model=CANDIDATE) if evaluation else None
    return None if rows is None else rows.to_pandas()
