"""Transform's graph: what the model is trained on and, by the same graph, served on.

Pictures pass through encoded: they are decoded by `shelfsort.training.images` in training and in
the served graph alike, so that no float pixels are ever written to disk.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components.transform import text
from components.transform.artifact import (
    CATEGORIES_VOCABULARY,
    PIECES_VOCABULARY,
    PRICE_BUCKETS,
    WORDS_VOCABULARY,
)
from components.transform.settings import TransformConfig
from components.transform.vocabularies import Vocabulary, terms_of
from shelfsort.contract.signatures import NO_PRICE
from shelfsort.products.product import CATALOGUE, PEOPLE
from shelfsort.training.selection import UNKNOWN

# An encoder reads some 64 tokens of a text.
MAX_TEXT_BYTES = 2_000


def preprocessing_fn(
    inputs: dict[str, Any], config: TransformConfig, folder: str, *, encoded: bool = False
) -> dict[str, tf.Tensor]:
    """Turns raw products into term ids, weights, flags and the label's id.

    Args:
        inputs: raw features of n products, as the schema has them.
        config: sizes.
        folder: of the vocabularies, see `learning.LearnVocabularies`.
        encoded: whether an encoder reads the texts.

    Returns:
        `word_ids`, `piece_ids` (n, max) int64, 0 where there is none; `word_weights`,
        `piece_weights` (n, max) float32; `price_bucket` (n,) int64 in [0, PRICE_BUCKETS], 0 when
        not given; `has_text`, `has_image` (n,) float32 0 or 1; `image` (n,) string; `category_id`
        (n,) int64, -1 for a category unseen in training and for an inner one; `inner_category`
        (n,) string, the inner category that is the label, else empty; `label_weight` (n,) float32;
        `evidence` (n,) float32 0 or 1, whether thresholds may be fitted on the product;
        `selection_probability` (n,) float32, `UNKNOWN` where it is not known; `group` (n,) int64,
        equal for variants of one product; `product_id` (n,) string. With `encoded`
        also `text` (n,) string, see `text_to_encode`, and `has_text` is 1 wherever it is not empty.
    """
    words, pieces, categories = (
        Vocabulary.read(folder, name)
        for name in (WORDS_VOCABULARY, PIECES_VOCABULARY, CATEGORIES_VOCABULARY)
    )
    image = _dense(inputs["image"], b"")
    terms = terms_of(_dense(inputs["title"], ""), _dense(inputs["description"], ""))
    word_ids, word_weights = _weighted(terms[WORDS_VOCABULARY], words, config.max_words)
    piece_ids, piece_weights = _weighted(terms[PIECES_VOCABULARY], pieces, config.max_pieces)
    known_terms = tf.reduce_sum(word_weights, axis=1) + tf.reduce_sum(piece_weights, axis=1)
    has_text, passed_on = known_terms > 0, {}
    if encoded:
        read = text_to_encode(_dense(inputs["title"], ""), _dense(inputs["description"], ""))
        has_text, passed_on = has_text | (read != ""), {"text": read}
    return {
        **passed_on,
        "word_ids": word_ids,
        "word_weights": word_weights,
        "piece_ids": piece_ids,
        "piece_weights": piece_weights,
        "price_bucket": price_bucket(_dense(inputs["price"], NO_PRICE)),
        "has_text": tf.cast(has_text, tf.float32),
        "has_image": tf.cast(tf.strings.length(image) > 0, tf.float32),
        "image": image,
        "category_id": tft.apply_vocabulary(_dense(inputs["category"], ""), categories.path),
        "inner_category": _dense(inputs["inner_category"], ""),
        "label_weight": _dense(inputs["label_weight"], 1.0),
        "evidence": _evidence(inputs),
        "selection_probability": _dense(inputs["selection_probability"], UNKNOWN),
        "group": _dense(inputs["group"], 0),
        "product_id": _dense(inputs["product_id"], ""),
    }


def text_to_encode(title: tf.Tensor, description: tf.Tensor) -> tf.Tensor:
    """What an encoder reads of n products: the title, or the description of those without one.

    Args:
        title, description: (n,) UTF-8 strings.

    Returns:
        (n,) strings as people read them, at most MAX_TEXT_BYTES of each; empty where no letter or
        digit is in them.
    """
    title, description = (
        text.readable(tf.strings.substr(each, 0, MAX_TEXT_BYTES)) for each in (title, description)
    )
    return tf.where(title == "", description, title)


def price_bucket(price: tf.Tensor) -> tf.Tensor:
    """Third-of-an-octave bucket of a price: (n,) float → (n,) int64; negative or NaN: 0."""
    given = price >= 0
    octaves = tf.math.log(1.0 + tf.where(given, price, tf.zeros_like(price))) / tf.math.log(2.0)
    bucket = 1 + tf.cast(tf.minimum(octaves * 3.0, PRICE_BUCKETS - 1.0), tf.int64)
    return tf.where(given, bucket, tf.zeros_like(bucket))


def _evidence(inputs: dict[str, Any]) -> tf.Tensor:
    """`Label.is_evidence` of n products: (n,) float32 0 or 1."""
    source = _dense(inputs["label_source"], PEOPLE)
    trusted = (source == PEOPLE) | (source == CATALOGUE)
    for kind in ("selected_by", "inner_category"):
        trusted &= _dense(inputs[kind], "") == ""
    return tf.cast(trusted, tf.float32)


def _weighted(
    terms: tf.RaggedTensor, vocabulary: Vocabulary, count: int
) -> tuple[tf.Tensor, tf.Tensor]:
    ids = tft.apply_vocabulary(terms, vocabulary.path, default_value=-1)
    return text.strongest_terms(*text.tfidf(ids, vocabulary.idf), count)


def _dense(feature: tf.Tensor | tf.SparseTensor, default: str | bytes | float | int) -> tf.Tensor:
    """(n,) dense form of a feature that holds at most one value a product."""
    if isinstance(feature, tf.SparseTensor):
        shape = [feature.dense_shape[0], 1]
        feature = tf.SparseTensor(feature.indices, feature.values, shape)
        feature = tf.sparse.to_dense(feature, default_value=default)
    return tf.reshape(feature, [-1])
