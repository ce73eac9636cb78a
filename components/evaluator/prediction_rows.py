"""Rows of predictions.parquet: what a product is, and what a model answered in one mode."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from components.evaluator.served_model import Answers, read_outputs
from shelfsort.contract.signatures import UNKNOWN_SCORE, Output
from shelfsort.contract.targets import DEFAULT_TARGETS

# Where a column of a row is not called like the output that fills it.
_COLUMN_OF = {"category": "predicted", "parent": "predicted_parent"}


def _column(output: Output) -> str:
    return _COLUMN_OF.get(output.name, output.name)


def _type(output: Output) -> pa.DataType:
    kind = pa.type_for_alias(output.dtype)
    return pa.list_(kind) if output.is_ranking else kind


_FACTS_FIRST = {
    **dict.fromkeys(("model", "mode", "split", "product_id", "title"), pa.string()),
    "group": pa.int64(),
    **dict.fromkeys(("category", "gold", "parent"), pa.string()),
}
_FACTS_LAST = {
    "label_confidence": pa.float32(),
    "worker_count": pa.int64(),
    **dict.fromkeys(("has_text", "has_image"), pa.bool_()),
}


def row_schema(
    features: Sequence[str] = (), targets: tuple[float, ...] = DEFAULT_TARGETS
) -> pa.Schema:
    """Columns of a row of a model with these targets, and of `features` that are sliced by."""
    answered = {_column(each): _type(each) for each in read_outputs(targets)}
    further = dict.fromkeys(further_columns(features, targets), pa.string())
    return pa.schema({**_FACTS_FIRST, **answered, **_FACTS_LAST, **further})


def further_columns(
    features: Sequence[str], targets: tuple[float, ...] = DEFAULT_TARGETS
) -> list[str]:
    """Those of `features` that a row does not hold anyway."""
    held = {*_FACTS_FIRST, *map(_column, read_outputs(targets)), *_FACTS_LAST}
    return [name for name in features if name not in held]


def row_batch(
    facts: Sequence[Mapping[str, Any]], mode: str, answers: Answers, schema: pa.Schema
) -> pa.RecordBatch:
    """Rows of N products asked in one mode.

    Args:
        facts: what each product's row says whatever the mode and the answer.
        mode: the products were asked in.
        answers: outputs of shape (N, …). A flag or a new output that the model does not have is
            null.
        schema: from `row_schema`.
    """
    flags = [each.name for each in schema if each.type == pa.bool_()]
    lacking = [*(name for name in flags if name not in _FACTS_LAST), UNKNOWN_SCORE]
    columns = {
        **{name: [None] * len(facts) for name in lacking},
        "mode": [mode] * len(facts),
        **{_COLUMN_OF.get(name, name): _plain(values) for name, values in answers.items()},
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
