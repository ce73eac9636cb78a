"""The answers that travel with a model: written, read back, and read from earlier versions."""

import io

import numpy as np
import pytest

from shelfsort.core.errors import InputError
from shelfsort.training.held_out import HeldOut, HeldOutAnswers

ANSWERS = HeldOutAnswers(
    groups=np.array([1, 2, 3], np.int64),
    labels=np.array([0, 1, -1], np.int32),
    predicted=np.array([0, 1, 1], np.int32),
    scores=np.array([0.95, 0.9, 0.5], np.float32),
    parent_scores=np.array([0.95, 0.9, 0.5], np.float32),
    unknown=np.array([0.25, 0.96, 0.5], np.float32),
)
HELD_OUT = HeldOut(["hats", "mugs"], {"text": ANSWERS})


def without(content: bytes, name: str) -> bytes:
    """The archive without one of its arrays."""
    with np.load(io.BytesIO(content)) as found:
        kept = {key: found[key] for key in found.files if key != name}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **kept)
    return buffer.getvalue()


def test_answers_are_read_back():
    read = HeldOut.from_bytes(HELD_OUT.to_bytes(), "model")
    assert list(read.categories) == ["hats", "mugs"]
    np.testing.assert_array_equal(read.answers["text"].unknown, ANSWERS.unknown)
    np.testing.assert_array_equal(read.answers["text"].scores, ANSWERS.scores)


def test_answers_of_a_version_without_unknown_scores_are_read_as_known_products():
    earlier = without(HELD_OUT.to_bytes(), "text/unknown")
    read = HeldOut.from_bytes(earlier, "model").answers["text"]
    assert read.unknown.tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(InputError, match="model: not the answers"):
        HeldOut.from_bytes(without(earlier, "text/scores"), "model")
