"""Words of a product as terms: words, pairs of words and pieces of words, in core TF string ops.

TF Serving carries no TF-Text, so nothing here needs more than TensorFlow itself.
"""

import tensorflow as tf

WORD_NGRAMS = (1, 2)
PIECE_NGRAMS = (3, 4, 5)
# What one product may bring to the graph; longer texts are read up to here.
MAX_WORDS_READ = 512
MAX_TITLE_WORDS_READ = 48

_NOT_A_WORD = r"[^\p{L}\p{M}\p{N}]+"
# Scripts written without spaces: each character stands as a word, pairs of them as bigrams.
_UNSPACED_CHARACTER = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"


def words(text: tf.Tensor) -> tf.RaggedTensor:
    """Lower-cased words: (n,) UTF-8 strings → ragged (n, words), at most MAX_WORDS_READ each."""
    text = tf.strings.lower(text, encoding="utf-8")
    text = tf.strings.regex_replace(text, _NOT_A_WORD, " ")
    text = tf.strings.regex_replace(text, _UNSPACED_CHARACTER, r" \1 ")
    return tf.strings.split(text)[:, :MAX_WORDS_READ]


def word_terms(tokens: tf.RaggedTensor) -> tf.RaggedTensor:
    """Words and pairs of neighbouring words: ragged (n, words) → ragged (n, terms)."""
    return tf.strings.ngrams(tokens, ngram_width=WORD_NGRAMS, separator=" ")


def piece_terms(tokens: tf.RaggedTensor) -> tf.RaggedTensor:
    """Runs of 3 to 5 characters within each word, its ends marked by a space.

    They tie "tshirt" to "tshirts" and "t-shirt", which whole words cannot.

    Args:
        tokens: ragged (n, words).

    Returns:
        Ragged (n, pieces); pieces repeat as often as they occur.
    """
    tokens = tokens[:, :MAX_TITLE_WORDS_READ]
    marked = tf.strings.join([" ", tokens.flat_values, " "])
    characters = tf.strings.unicode_split(marked, "UTF-8", errors="replace")
    pieces = tf.strings.ngrams(characters, ngram_width=PIECE_NGRAMS, separator="")
    return tokens.with_values(pieces).merge_dims(1, 2)


def strongest_terms(
    ids: tf.SparseTensor, weights: tf.SparseTensor, unknown_id: int, count: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """The `count` heaviest known terms of each product, weights scaled to unit length.

    Args:
        ids: sparse (n, terms) int64 term ids in [0, unknown_id].
        weights: sparse (n, terms) float TF-IDF weights, > 0, with the indices of `ids`.
        unknown_id: id of terms outside the vocabulary, which are dropped.
        count: columns of the result.

    Returns:
        ids + 1 as (n, count) int64, 0 where there is no term, and weights as (n, count) float32,
        0 there, of unit Euclidean length over the kept terms.
    """
    known = tf.cast(tf.not_equal(ids.values, unknown_id), tf.float32)
    dense_ids = tf.sparse.to_dense(tf.SparseTensor(ids.indices, ids.values + 1, ids.dense_shape))
    dense_weights = tf.sparse.to_dense(
        tf.SparseTensor(weights.indices, weights.values * known, weights.dense_shape)
    )
    dense_ids = tf.pad(dense_ids, [[0, 0], [0, count]])
    dense_weights = tf.pad(dense_weights, [[0, 0], [0, count]])
    heaviest, columns = tf.math.top_k(dense_weights, k=count)
    kept_ids = tf.gather(dense_ids, columns, batch_dims=1)
    kept_ids = tf.where(heaviest > 0, kept_ids, tf.zeros_like(kept_ids))
    kept_weights = tf.math.l2_normalize(heaviest, axis=1)
    return tf.ensure_shape(kept_ids, [None, count]), tf.ensure_shape(kept_weights, [None, count])
