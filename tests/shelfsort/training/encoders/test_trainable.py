"""The network that is trained embeds as the one that is served, and gives it its weights back."""

import numpy as np
import pytest
import tensorflow as tf

from shelfsort.training.encoders import load_encoder
from shelfsort.training.encoders.trainable import layer_weights, trainable_network
from tests.fixtures.text_tuning import tiny_encoder
from tests.shelfsort.training.encoders.titles import TITLES


def vectors_after(encoder, texts: list[str], layers: int, padding: int = 0) -> np.ndarray:
    ids = encoder.ids(tf.constant(texts))
    vectors = encoder.transformer.vectors(ids, layers)
    rows = tf.RaggedTensor.from_row_lengths(vectors, ids.row_lengths())
    return np.pad(rows.to_tensor().numpy(), [(0, 0), (0, padding), (0, 0)])


def trainable(encoder, first: int):
    own = encoder.transformer
    return trainable_network(
        own.layers()[first:], own.heads, own.epsilon, first=first + 1, centre=encoder.centre
    )


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("first", [0, 1])
def test_it_embeds_as_the_served_encoder_does_whatever_the_padding(first, centred):
    encoder = tiny_encoder(centred)
    texts = ["boot", "a b c mug", "hat hat"]
    found = trainable(encoder, first)(vectors_after(encoder, texts, first, padding=3))
    np.testing.assert_allclose(found, encoder(tf.constant(texts)), rtol=0, atol=3e-5)


def test_weights_that_were_changed_are_served_under_another_key():
    encoder = tiny_encoder(centred=True)
    network = trainable(encoder, 1)
    rng = np.random.default_rng(0)
    network.set_weights([each + rng.normal(0, 0.1, each.shape) for each in network.get_weights()])
    layers = [encoder.transformer.layers()[0], *layer_weights(network)]
    tuned = encoder.with_layers(layers, "d1")
    texts = ["boot", "a b c mug"]
    expected = network(vectors_after(encoder, texts, 1))
    np.testing.assert_allclose(tuned(tf.constant(texts)), expected, rtol=0, atol=3e-5)
    assert np.abs(tuned(tf.constant(texts)) - encoder(tf.constant(texts))).max() > 1e-3
    assert (tuned.key, tuned.tuned) == (f"{encoder.key}-tuned-d1", "d1")
    assert (encoder.tuned, tuned.licence, tuned.max_tokens) == ("", "", encoder.max_tokens)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["minilm", "e5_multilingual"])
def test_the_layers_of_the_real_encoders_are_the_same_network(name):
    encoder = load_encoder(name)
    first = encoder.transformer.depth // 2
    texts = [title for title in TITLES if title.strip()][:40]
    found = trainable(encoder, first)(vectors_after(encoder, texts, first))
    np.testing.assert_allclose(found, encoder(tf.constant(texts)), rtol=0, atol=1e-5)
