"""What a run's model answered about the products it was judged on, read from its evaluation."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from components.manifest_example_gen.splits import normalised

PREDICTIONS = "predictions.parquet"
_COLUMNS = [
    "mode",
    "split",
    "product_id",
    "title",
    "category",
    "predicted",
    "predicted_parent",
    "accepted_95",
    "accepted_98",
]


def read_scored(evaluation: Path | None) -> pd.DataFrame | None:
    """The new model's answers in every mode and split; None where the run has none.

    Returns:
        One row a product, mode and split: the columns of predictions.parquet that a comparison
        needs, and `group`, equal for the variants of one title.
    """
    path = evaluation / PREDICTIONS if evaluation else None
    if path is None or not path.is_file():
        return None
    rows = pq.read_table(path, columns=_COLUMNS, filters=[("model", "=", "candidate")]).to_pandas()
    return rows.assign(group=_groups(rows))


def _groups(rows: pd.DataFrame) -> list[str]:
    words = {title: normalised(title) for title in rows.title.unique()}
    return [
        f"title:{words[title]}" if words[title] else f"product:{product}"
        for title, product in zip(rows.title, rows.product_id, strict=True)
    ]
