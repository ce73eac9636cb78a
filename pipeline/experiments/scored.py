"""What a run's model answered about the products it was judged on, read from its evaluation."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from shelfsort.contract.targets import TARGETS, accepted
from shelfsort.core.errors import InputError

PREDICTIONS = "predictions.parquet"
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
    path = evaluation / PREDICTIONS if evaluation else None
    if path is None or not path.is_file():
        return None
    if missing := set(COLUMNS) - set(pq.read_schema(path).names):
        raise InputError(
            f"{path}: has no column {min(missing)}, as an earlier version wrote it. Repeat the run."
        )
    return pq.read_table(path, columns=COLUMNS, filters=[("model", "=", "candidate")]).to_pandas()
