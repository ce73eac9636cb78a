"""Rows of the answers that thresholds were fitted on, as they would stand among scored products."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from components.evaluator.artifact import CANDIDATE, HELD_OUT_SPLIT
from components.evaluator.prediction_rows import further_columns, row_schema
from shelfsort.contract.calibration import Calibration, ModalityCalibration
from shelfsort.contract.signatures import UNKNOWN_SCORE
from shelfsort.contract.targets import accepted, parent_accepted
from shelfsort.training.held_out import HeldOut, HeldOutAnswers


def held_out_tables(
    held_out: HeldOut,
    calibration: Calibration,
    parents: Mapping[str, str],
    features: Sequence[str] = (),
) -> list[pa.Table]:
    """A table for each modality, of the rows that `predictions.parquet` has for scored products.

    What only a served answer has (its place in the tree, its ranking, the product's words) stays
    empty. Thresholds are those in force, so they have seen these products.

    Args:
        held_out: the new model's answers.
        calibration: the new model's.
        parents: parent category of every leaf.
        features: further string columns.
    """
    return [
        _table(
            answers,
            modality,
            held_out.categories,
            calibration.of(modality),
            parents,
            features,
            calibration.targets,
        )
        for modality, answers in held_out.answers.items()
        if len(answers)
    ]


def _table(
    answers: HeldOutAnswers,
    modality: str,
    categories: Sequence[str],
    fitted: ModalityCalibration,
    parents: Mapping[str, str],
    features: Sequence[str],
    targets: tuple[float, ...],
) -> pa.Table:
    n, schema = len(answers), row_schema(features, targets)
    leaves, above = np.array(categories, object), np.array([parents[c] for c in categories], object)
    labels = np.where(answers.labels < 0, "", leaves[answers.labels])
    known: dict[str, Any] = {
        "model": [CANDIDATE] * n,
        "mode": [modality] * n,
        "split": [HELD_OUT_SPLIT] * n,
        "group": answers.groups,
        "category": labels,
        "parent": np.where(answers.labels < 0, "", above[answers.labels]),
        "predicted": leaves[answers.predicted],
        "predicted_parent": above[answers.predicted],
        "score": answers.scores,
        UNKNOWN_SCORE: answers.unknown,
        "parent_score": answers.parent_scores,
        "label_confidence": [math.nan] * n,
        "has_text": [modality != "image"] * n,
        "has_image": [modality != "text"] * n,
    }
    limit = 1.0 if fitted.unknown_above is None else fitted.unknown_above
    like_others = answers.unknown <= np.float32(limit)
    for target in targets:
        of_leaf = [fitted.threshold(leaf, target) for leaf in categories]
        of_parent = [fitted.parent_threshold(node, target) for node in above]
        known[accepted(target)] = like_others & _reached(answers.scores, of_leaf, answers.predicted)
        known[parent_accepted(target)] = like_others & _reached(
            answers.parent_scores, of_parent, answers.predicted
        )
    known |= {name: [""] * n for name in further_columns(features, targets)}
    arrays = [
        pa.array(known.get(field.name, _empty(field.type, n)), field.type) for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _reached(
    scores: np.ndarray, thresholds: Sequence[float | None], predicted: np.ndarray
) -> np.ndarray:
    """(N,) bools; the served graph compares in float32, and so does this."""
    needed = np.array([np.inf if each is None else each for each in thresholds], np.float32)
    return scores >= needed[predicted]


def _empty(kind: pa.DataType, n: int) -> list:
    value: Any = "" if pa.types.is_string(kind) else [] if pa.types.is_list(kind) else 0
    return [value] * n
