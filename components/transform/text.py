"""Words of a product as terms: words, pairs of words and pieces of words, in core TF string ops.

Nothing here needs more than TensorFlow itself: only models with a text encoder need TF-Text.
"""

import tensorflow as tf

from components.transform import normal_form
from shelfsort.products.text import UNSEEN

WORD_NGRAMS = (1, 2)
PIECE_NGRAMS = (3, 4, 5)
# What one product may bring to the graph; longer texts are read up to here.
MAX_WORDS_READ = 512
MAX_TITLE_WORDS_READ = 48

# What `as_read` removes as well, for callers that send a text as it is.
_UNSEEN = f"[{UNSEEN}]"
_TAG = r"</?[A-Za-z][^<>]*>"
_NOT_A_WORD = r"[^\p{L}\p{M}\p{N}]+"
_WITH_A_WORD = r"(?s).*[\p{L}\p{N}].*"
# Scripts written without spaces: each character stands as a word, pairs of them as bigrams.
_UNSPACED_CHARACTER = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"


def readable(text: tf.Tensor) -> tf.Tensor:
    """Texts in normal form, without tags and signs of no width; empty where no word is in them.

    Args:
        text: (n,) UTF-8 strings; bytes that are no UTF-8 are dropped.
    """
    text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="ignore")
    text = normal_form.as_read(text)
    text = tf.strings.regex_replace(text, _UNSEEN, "")
    text = tf.strings.regex_replace(text, _TAG, " ")
    text = tf.strings.strip(tf.strings.regex_replace(text, r"\s+", " "))
    return tf.where(tf.strings.regex_full_match(text, _WITH_A_WORD), text, "")


def words(text: tf.Tensor) -> tf.RaggedTensor:
    """Lower-cased words: (n,) UTF-8 strings → ragged (n, words), at most MAX_WORDS_READ each."""
    text = tf.strings.regex_replace(text, _UNSEEN, "")
    text = tf.strings.regex_replace(text, _TAG, " ")
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


def tfidf(ids: tf.RaggedTensor, idf: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """The different known terms of each product, in the order of their ids, with TF-IDF weights.

    Args:
        ids: ragged (n, terms) int64 in [0, m), negative for a term outside the vocabulary.
        idf: (m,) float32 inverse document frequencies.

    Returns:
        Ragged (n, different known terms) ids, and float32 weights: the share of a term in all of
        the product's terms, unknown ones among them, times its inverse document frequency.
    """
    size = tf.size(idf, tf.int64)
    known = tf.ragged.boolean_mask(ids, ids >= 0)
    pairs = tf.sort(known.value_rowids() * size + known.flat_values)
    pairs, _, counts = tf.unique_with_counts(pairs)
    rows, different = pairs // size, pairs % size
    shares = tf.cast(counts, tf.float64) / tf.cast(tf.gather(ids.row_lengths(), rows), tf.float64)
    weights = tf.cast(shares, tf.float32) * tf.gather(idf, different)
    by_product = tf.RaggedTensor.from_value_rowids(different, rows, ids.nrows(), validate=False)
    return by_product, by_product.with_values(weights)


def strongest_terms(
    ids: tf.RaggedTensor, weights: tf.RaggedTensor, count: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """The `count` heaviest terms of each product, weights scaled to unit length.

    Args:
        ids: ragged (n, terms) int64 term ids from 0.
        weights: ragged (n, terms) float32, > 0.
        count: columns of the result.

    Returns:
        ids + 1 as (n, count) int64, 0 where there is no term, and weights as (n, count) float32,
        0 there, of unit Euclidean length over the kept terms.
    """
    dense_ids = tf.pad((ids + 1).to_tensor(), [[0, 0], [0, count]])
    dense_weights = tf.pad(weights.to_tensor(), [[0, 0], [0, count]])
    heaviest, columns = tf.math.top_k(dense_weights, k=count)
    kept_ids = tf.gather(dense_ids, columns, batch_dims=1)
    kept_weights = tf.math.l2_normalize(heaviest, axis=1)
    return tf.ensure_shape(kept_ids, [None, count]), tf.ensure_shape(kept_weights, [None, count])
