"""Small weights in MiniLM's format: what is accepted, and what is refused in one line."""

import numpy as np
import pytest
import tensorflow as tf

from shelfsort.core.errors import InputError
from shelfsort.training.encoders import minilm
from shelfsort.training.weights import Weights
from tests.shelfsort.training.encoders.bert_files import (
    VOCABULARY,
    bert_tensors,
    bert_weights,
)


@pytest.fixture
def tensors():
    return bert_tensors(np.random.default_rng(5))


def test_a_network_of_another_size_is_taken(tensors):
    encoder = minilm.load(bert_weights(tensors))
    vectors = encoder(tf.constant(["blue dresses", "BLUE dresses", "a shoe", ""])).numpy()
    assert vectors.shape == (4, encoder.embedding_size) == (4, 24)
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1, 0])
    assert (encoder.licence, encoder.max_tokens) == ("", 64)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("encoder.layer.1.output.dense.bias", None, r"no tensor encoder\.layer\.1\.output\.dense"),
        (
            "encoder.layer.0.attention.self.key.weight",
            (9, 24),
            r"kernel is \(24, 9\), not \(24, 24\)",
        ),
        (
            "encoder.layer.0.intermediate.dense.weight",
            (48, 9),
            r"kernel is \(9, 48\), not \(24, 48",
        ),
        ("embeddings.LayerNorm.bias", (9,), r"offset is \(9,\), not \(24,\)"),
        ("embeddings.word_embeddings.weight", (7, 24), r"has 10 tokens.*vectors for 7"),
        ("encoder.layer.0.output.dense.weight", None, "0 layers of size 24"),
    ],
)
def test_a_tensor_that_is_missing_or_does_not_fit_is_named(tensors, name, shape, message):
    del tensors[name]
    if shape:
        tensors[name] = np.zeros(shape, np.float32)
    with pytest.raises(InputError, match=message):
        minilm.load(bert_weights(tensors))


def test_a_vocabulary_without_the_special_tokens_is_refused(tensors):
    with pytest.raises(InputError, match=r"vocab\.txt has no \[CLS\] or \[UNK\]"):
        minilm.load(bert_weights(tensors, [f"x{each}" if each in ("[CLS]", "[UNK]") else each
                                           for each in VOCABULARY]))  # fmt: skip


def test_files_of_another_kind_are_refused():
    contents = {
        "model.safetensors": b"PK\3\4 no tensors",
        "vocab.txt": "\n".join(VOCABULARY).encode(),
    }
    with pytest.raises(InputError, match=r"model\.safetensors: cannot be read"):
        minilm.load(Weights(contents, "", "", "own"))
    contents["vocab.txt"] = b"\xff\xfe"
    with pytest.raises(InputError, match=r"vocab\.txt: is not UTF-8"):
        minilm.load(Weights(contents, "", "", "own"))
