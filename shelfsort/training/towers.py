"""The text tower and the image tower: each gives logits of its own, pooled later.

The towers share no parameter, so either may be missing at serving without the other noticing.
"""

import keras
from keras import ops

PRICE_DROPOUT = 0.3
# Embeddings are scaled to this length, so that one learning rate suits both towers.
EMBEDDING_LENGTH = 20.0


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
) -> keras.Model:
    """Builds both towers as one model with the outputs `text` and `image`.

    Args:
        words, pieces: sizes of the vocabularies, without the "no term" id 0.
        price_buckets: greatest price bucket; 0 stands for no price.
        embedding_size: width of the picture embeddings.
        categories: K.
        text_units, image_units: ReLU units of each tower.
        dropout: share dropped in each tower, in [0, 1).

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
    image = _image_tower(inputs["embeddings"], image_units, dropout)
    outputs = {
        "text": keras.layers.Dense(categories, name="text")(text),
        "image": keras.layers.Dense(categories, name="image")(image),
    }
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


def _image_tower(embeddings, units: int, dropout: float):
    x = keras.layers.UnitNormalization(name="unit_length")(embeddings)
    x = keras.layers.Rescaling(EMBEDDING_LENGTH, name="scale")(x)
    x = keras.layers.Dropout(dropout, name="embedding_dropout")(x)
    x = keras.layers.Dense(units, activation="relu", name="image_relu")(x)
    return keras.layers.Dropout(dropout, name="image_dropout")(x)
