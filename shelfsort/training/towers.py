"""Towers for words, images and a text encoder: each gives logits of its own, pooled later.

The towers share no parameter, so any may be missing at serving without the others noticing. With an
encoder there is one that learns nothing: it compares a text with the categories' names, which tells
most of them apart before there are labels.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

PRICE_DROPOUT = 0.3
NAMES = "names"
# Cosines lie in [-1, 1]; the pool fits the exponent of what they become.
_NAMES_SCALE = 15.0


def unit_roots(embeddings):
    """Signed square roots at unit length: (n, size) → (n, size), float32; zeros stay zeros.

    A few large numbers of an embedding would otherwise outweigh all others. Power normalization:
    Perronnin, Sánchez & Mensink, "Improving the Fisher kernel for large-scale image
    classification", ECCV 2010.
    """
    roots = ops.sign(embeddings) * ops.sqrt(ops.abs(embeddings))
    return roots / ops.maximum(ops.norm(roots, axis=-1, keepdims=True), 1e-6)


def _as_they_are(embeddings):
    return embeddings


@dataclasses.dataclass(frozen=True)
class EmbeddingTower:
    """A tower on the vectors of a frozen network.

    Attributes:
        name: of the tower and its output; its layers' names start with it.
        feature: name of the input with the vectors.
        prepared: from (n, size) vectors to those that the layers take.
    """

    name: str
    feature: str
    prepared: Callable[[Any], Any]


IMAGE = EmbeddingTower("image", "embeddings", unit_roots)
# An encoder's vectors have unit length, and no number in them outweighs the others: roots cost
# .01 of accuracy on 300 labels of fashion.
ENCODER = EmbeddingTower("encoder", "text_embeddings", _as_they_are)


@keras.saving.register_keras_serializable("shelfsort")
class WeightedBag(keras.layers.Layer):
    """Weighted sum of term embeddings: ids and weights (n, terms) → (n, units).

    Id 0 stands for no term; its weight is 0.
    """

    def __init__(self, vocabulary_size: int, units: int, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.units = units
        self.table = keras.layers.Embedding(
            vocabulary_size + 1,
            units,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=0.05),
        )

    def build(self, input_shape) -> None:
        self.table.build(input_shape[0])
        self.built = True

    def call(self, inputs):
        ids, weights = inputs
        # A batched product: three times as fast on a CPU as the einsum that says the same.
        return ops.squeeze(ops.matmul(ops.expand_dims(weights, 1), self.table(ids)), 1)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
        }


def build_towers(
    *,
    words: int,
    pieces: int,
    price_buckets: int,
    embedding_size: int,
    categories: int,
    text_units: int,
    image_units: int,
    dropout: float,
    text_embedding_size: int = 0,
    encoder_units: int = 1,
    category_embeddings: np.ndarray | None = None,
) -> keras.Model:
    """Builds the towers as one model with the outputs `text` and `image`.

    With an encoder there is `encoder`, and with the categories' names there is `names`.

    Args:
        words, pieces: sizes of the vocabularies, without the "no term" id 0.
        price_buckets: greatest price bucket; 0 stands for no price.
        embedding_size: width of the picture embeddings.
        categories: K.
        text_units, image_units: ReLU units of each tower.
        dropout: share dropped in each tower, in [0, 1).
        text_embedding_size: width of the encoder's vectors; 0 for no encoder, and no such tower.
        encoder_units: ReLU units of the encoder's tower.
        category_embeddings: (K, text_embedding_size) of the categories' names, of unit length or
            zeros; None for no such tower.

    Returns:
        Model from the inputs of `dataset.Products.tower_inputs` to a dict of (n, K) logits.
    """
    inputs = {
        "word_ids": keras.Input((None,), dtype="int32", name="word_ids"),
        "word_weights": keras.Input((None,), name="word_weights"),
        "piece_ids": keras.Input((None,), dtype="int32", name="piece_ids"),
        "piece_weights": keras.Input((None,), name="piece_weights"),
        "price_bucket": keras.Input((), dtype="int32", name="price_bucket"),
        "embeddings": keras.Input((embedding_size,), name="embeddings"),
    }
    text = _text_tower(inputs, words, pieces, price_buckets, text_units, dropout)
    outputs = {
        IMAGE.name: _embedding_tower(IMAGE, inputs, categories, image_units, dropout),
        "text": keras.layers.Dense(categories, name="text")(text),
    }
    if text_embedding_size:
        inputs[ENCODER.feature] = keras.Input((text_embedding_size,), name=ENCODER.feature)
        outputs[ENCODER.name] = _embedding_tower(
            ENCODER, inputs, categories, encoder_units, dropout
        )
    if category_embeddings is not None:
        names = keras.layers.Dense(categories, use_bias=False, trainable=False, name=NAMES)
        outputs[NAMES] = names(inputs[ENCODER.feature])
        names.set_weights([_NAMES_SCALE * category_embeddings.T])
    return keras.Model(inputs, outputs, name="towers")


def _text_tower(inputs: dict, words: int, pieces: int, prices: int, units: int, dropout: float):
    bags = [
        WeightedBag(words, units, name="word_bag")([inputs["word_ids"], inputs["word_weights"]]),
        WeightedBag(pieces, units, name="piece_bag")(
            [inputs["piece_ids"], inputs["piece_weights"]]
        ),
    ]
    bucket = ops.expand_dims(inputs["price_bucket"], -1)
    given = ops.cast(bucket > 0, "float32")
    given = keras.layers.Dropout(PRICE_DROPOUT, name="price_dropout")(given)
    bags.append(WeightedBag(prices, units, name="price_bag")([bucket, given]))
    hidden = keras.layers.ReLU(name="text_relu")(keras.layers.Add(name="text_sum")(bags))
    return keras.layers.Dropout(dropout, name="text_dropout")(hidden)


def _embedding_tower(
    tower: EmbeddingTower,
    inputs: Mapping[str, Any],
    categories: int,
    units: int,
    dropout: float,
):
    """(n, K) logits: those of hidden units and linear ones, added.

    What is linear in the embeddings is learnt in a few passes by the linear part, where hidden
    units need many.
    """
    name = tower.name
    prepared = tower.prepared(inputs[tower.feature])
    dropped = keras.layers.Dropout(dropout, name=f"{name}_embedding_dropout")(prepared)
    x = keras.layers.Dense(units, activation="relu", name=f"{name}_relu")(dropped)
    x = keras.layers.Dropout(dropout, name=f"{name}_dropout")(x)
    hidden = keras.layers.Dense(categories, name=name)(x)
    linear = keras.layers.Dense(
        categories, use_bias=False, kernel_initializer="zeros", name=f"{name}_linear"
    )(dropped)
    return keras.layers.Add(name=f"{name}_sum")([hidden, linear])
