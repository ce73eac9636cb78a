"""Rows of the answers that thresholds were fitted on."""

import numpy as np
import pytest

from components.evaluator.held_out_rows import held_out_tables
from shelfsort.contract.calibration import Calibration
from shelfsort.training.held_out import HeldOut, HeldOutAnswers

SCORES = np.array([0.95, 0.9, 0.5], np.float32)
ANSWERS = HeldOutAnswers(
    groups=np.array([1, 2, 3], np.int64),
    labels=np.array([0, 1, -1], np.int32),
    predicted=np.array([0, 1, 1], np.int32),
    scores=SCORES,
    parent_scores=SCORES,
    unknown=np.array([0.25, 0.96, 0.5], np.float32),
)
LEAVES = ["hats", "mugs"]


@pytest.mark.parametrize(("limit", "accepted"), [(0.95, [True, False]), (None, [True, True])])
def test_rows_above_the_limit_of_the_unknown_score_are_not_accepted(limit, accepted):
    document = {
        "unknown_above": limit,
        "by_category": {leaf: {"95": 0.9} for leaf in LEAVES},
        "by_parent": {"main": {"95": 0.9}},
    }
    calibration = Calibration.from_json({"text": document})
    held_out = HeldOut(LEAVES, {"text": ANSWERS})
    (table,) = held_out_tables(held_out, calibration, dict.fromkeys(LEAVES, "main"))
    assert table["accepted_95"].to_pylist() == [*accepted, False]
    assert table["parent_accepted_95"].to_pylist() == [*accepted, False]
    assert table["unknown_score"].to_pylist() == pytest.approx([0.25, 0.96, 0.5])
