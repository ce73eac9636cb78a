"""Rows of predictions.parquet: what a product is, and what a model answered in one mode."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from components.evaluator.served_model import READ, Answers
from shelfsort.contract.signatures import Output

# Where a column of a row is not called like the output that fills it.
_COLUMN_OF = {"category": "predicted", "parent": "predicted_parent"}


def _column(output: Output) -> str:
    return _COLUMN_OF.get(output.name, output.name)


def _type(output: Output) -> pa.DataType:
    kind = pa.type_for_alias(output.dtype)
    return pa.list_(kind) if output.is_ranking else kind


_TYPES = {
    **dict.fromkeys(("model", "mode", "split", "product_id", "title"), pa.string()),
    "group": pa.int64(),
    **dict.fromkeys(("category", "gold", "parent"), pa.string()),
    **{_column(each): _type(each) for each in READ},
    "label_confidence": pa.float32(),
    "worker_count": pa.int64(),
    **dict.fromkeys(("has_text", "has_image"), pa.bool_()),
}


def row_schema(features: Sequence[str] = ()) -> pa.Schema:
    """Columns of a row, and of `features` that are sliced by."""
    return pa.schema({**_TYPES, **dict.fromkeys(further_columns(features), pa.string())})


def further_columns(features: Sequence[str]) -> list[str]:
    """Those of `features` that a row does not hold anyway."""
    return [name for name in features if name not in _TYPES]


def row_batch(
    facts: Sequence[Mapping[str, Any]], mode: str, answers: Answers, schema: pa.Schema
) -> pa.RecordBatch:
    """Rows of N products asked in one mode.

    Args:
        facts: what each product's row says whatever the mode and the answer.
        mode: the products were asked in.
        answers: outputs of shape (N, …).
        schema: from `row_schema`.
    """
    answered = {_column(each): answers[each.name] for each in READ}
    columns = {
        "mode": [mode] * len(facts),
        **{name: _plain(values) for name, values in answered.items()},
    }
    arrays = [
        pa.array(columns.get(field.name) or [each[field.name] for each in facts], field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _plain(array: np.ndarray) -> list:
    if array.dtype == object:
        array = np.vectorize(bytes.decode, otypes=[object])(array) if array.size else array
    return array.tolist()
