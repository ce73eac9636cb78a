"""What tunings leave behind, and what happens where nothing can be left."""

import logging

import numpy as np

from shelfsort.core.progress import LOGGER_NAME
from shelfsort.training.finetuning.checkpoints import Checkpoints, State

WEIGHTS = [np.arange(3.0), np.ones((2, 2))]


def test_a_result_takes_the_place_of_the_state(tmp_path):
    kept = Checkpoints(tmp_path)
    kept.keep_state("key", State(1, 40, WEIGHTS))
    assert Checkpoints(tmp_path).state("key").steps == 40
    kept.keep_result("key", WEIGHTS)
    assert Checkpoints(tmp_path).state("key") is None
    for one, other in zip(Checkpoints(tmp_path).result("key"), WEIGHTS, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_folder_that_cannot_be_written_is_named_once_and_ends_nothing(tmp_path, caplog):
    # Not a matter of permissions, which do not bind a superuser.
    (tmp_path / "tuned").write_text("no folder")
    kept = Checkpoints(tmp_path)
    with caplog.at_level(logging.INFO, LOGGER_NAME):
        kept.keep_state("key", State(0, 10, WEIGHTS))
        kept.keep_state("key", State(0, 20, WEIGHTS))
        kept.keep_result("key", WEIGHTS)
    (said,) = [record.getMessage() for record in caplog.records]
    assert "tuned" in said
    assert kept.result("key") is None
