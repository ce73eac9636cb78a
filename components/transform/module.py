"""Transform's user module: what the model is trained on and, by the same graph, served on.

Pictures pass through encoded: they are decoded by `components.trainer.pictures` in training and in
the served graph alike, so that no float pixels are ever written to disk.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components.transform import text
from components.transform.settings import TransformConfig

CATEGORIES_VOCABULARY = "categories"
WORDS_VOCABULARY = "words"
PIECES_VOCABULARY = "pieces"
PRICE_BUCKETS = 48

# Raw features that the served model needs; the others exist in training data alone.
SERVED_FEATURES = ("title", "description", "image", "price")


def preprocessing_fn(
    inputs: dict[str, Any], custom_config: dict[str, Any] | None = None
) -> dict[str, tf.Tensor]:
    """Turns raw products into term ids, weights, flags and the label's id.

    Returns:
        `word_ids`, `piece_ids` (n, max) int64, 0 where there is none; `word_weights`,
        `piece_weights` (n, max) float32; `price_bucket` (n,) int64 in [0, PRICE_BUCKETS], 0 when
        not given; `has_text`, `has_image` (n,) float32 0 or 1; `image` (n,) string; `category_id`
        (n,) int64, -1 for a category unseen in training; `label_weight` (n,) float32; `product_id`
        (n,) string.
    """
    config = TransformConfig(**(custom_config or {}).get("transform", {}))
    title = _dense(inputs["title"], "")
    description = _dense(inputs["description"], "")
    image = _dense(inputs["image"], b"")
    title_words = text.words(title)
    word_ids, word_weights = _weighted_terms(
        text.word_terms(text.words(tf.strings.join([title, description], separator=" "))),
        WORDS_VOCABULARY,
        config.max_words,
        config,
    )
    piece_ids, piece_weights = _weighted_terms(
        text.piece_terms(title_words), PIECES_VOCABULARY, config.max_pieces, config
    )
    known_terms = tf.reduce_sum(word_weights, axis=1) + tf.reduce_sum(piece_weights, axis=1)
    return {
        "word_ids": word_ids,
        "word_weights": word_weights,
        "piece_ids": piece_ids,
        "piece_weights": piece_weights,
        "price_bucket": price_bucket(_dense(inputs["price"], -1.0)),
        "has_text": tf.cast(known_terms > 0, tf.float32),
        "has_image": tf.cast(tf.strings.length(image) > 0, tf.float32),
        "image": image,
        "category_id": tft.compute_and_apply_vocabulary(
            _dense(inputs["category"], ""), vocab_filename=CATEGORIES_VOCABULARY
        ),
        "label_weight": _dense(inputs["label_weight"], 1.0),
        "product_id": _dense(inputs["product_id"], ""),
    }


def price_bucket(price: tf.Tensor) -> tf.Tensor:
    """Third-of-an-octave bucket of a price: (n,) float → (n,) int64; negative or NaN: 0."""
    given = price >= 0
    octaves = tf.math.log(1.0 + tf.where(given, price, tf.zeros_like(price))) / tf.math.log(2.0)
    bucket = 1 + tf.cast(tf.minimum(octaves * 3.0, PRICE_BUCKETS - 1.0), tf.int64)
    return tf.where(given, bucket, tf.zeros_like(bucket))


def _weighted_terms(
    terms: tf.RaggedTensor, vocabulary: str, count: int, config: TransformConfig
) -> tuple[tf.Tensor, tf.Tensor]:
    unknown_id = config.max_vocabulary
    ids = tft.compute_and_apply_vocabulary(
        terms.to_sparse(),
        default_value=unknown_id,
        top_k=config.max_vocabulary,
        frequency_threshold=config.min_count,
        vocab_filename=vocabulary,
    )
    indices, weights = tft.tfidf(ids, vocab_size=unknown_id + 1)
    return text.strongest_terms(indices, weights, unknown_id, count)


def _dense(feature: tf.Tensor | tf.SparseTensor, default: str | bytes | float) -> tf.Tensor:
    """(n,) dense form of a feature that holds at most one value a product."""
    if isinstance(feature, tf.SparseTensor):
        shape = [feature.dense_shape[0], 1]
        feature = tf.SparseTensor(feature.indices, feature.values, shape)
        feature = tf.sparse.to_dense(feature, default_value=default)
    return tf.reshape(feature, [-1])
