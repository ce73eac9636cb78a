"""Words, pairs and pieces in core TF string ops."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.feature_extraction.text import CountVectorizer

from components.transform import text


def _listed(ragged: tf.RaggedTensor) -> list[list[str]]:
    return [[term.decode() for term in row] for row in ragged.to_list()]


def test_words_are_lower_case_runs_of_letters_and_digits():
    assert _listed(text.words(tf.constant(["Men's T-Shirt, 100% COTTON!", "", " -- "]))) == [
        ["men", "s", "t", "shirt", "100", "cotton"],
        [],
        [],
    ]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("ÉCHARPE Längs", ["écharpe", "längs"]),
        ("ПЛАТЬЕ летнее", ["платье", "летнее"]),
        ("حقيبة جلدية", ["حقيبة", "جلدية"]),
        ("कुर्ता", ["कुर्ता"]),
        ("茶壶 tea", ["茶", "壶", "tea"]),
        ("πορσελάνη", ["πορσελάνη"]),
    ],
)
def test_words_of_many_scripts(script, expected):
    assert _listed(text.words(tf.constant([script]))) == [expected]


def test_a_hostile_text_is_read_up_to_the_limit():
    words = text.words(tf.constant(["a " * 10_000, b"\xff\xfe bad bytes \xc3"]))
    assert words.row_lengths().numpy()[0] == text.MAX_WORDS_READ
    assert b"bytes" in words.to_list()[1]


def test_word_terms_are_words_and_pairs_as_scikit_learn_counts_them():
    title = "red tote bag red tote"
    vectorizer = CountVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\w+").fit([title])
    ours = _listed(text.word_terms(text.words(tf.constant([title]))))[0]
    assert set(ours) == set(vectorizer.vocabulary_)
    assert ours.count("red tote") == 2


def test_piece_terms_are_scikit_learns_character_ngrams_within_words():
    titles = ["Canvas tote", "ab"]
    ours = _listed(text.piece_terms(text.words(tf.constant(titles))))
    for title, pieces in zip(titles, ours, strict=True):
        vectorizer = CountVectorizer(analyzer="char_wb", ngram_range=(3, 5)).fit([title])
        assert set(pieces) == set(vectorizer.vocabulary_)


def test_tfidf_is_the_share_of_a_term_times_its_idf():
    ids = tf.ragged.constant([[1, 0, 1, -1], [], [-1], [2]], dtype=tf.int64)
    different, weights = text.tfidf(ids, tf.constant([1.0, 3.0, 2.5]))
    assert different.to_list() == [[0, 1], [], [], [2]]
    assert weights.to_list() == [[0.25, 1.5], [], [], [2.5]]


def test_strongest_terms_keep_the_heaviest_ones_at_unit_length():
    ids = tf.ragged.constant([[4, 7, 8], [], [2]], dtype=tf.int64)
    weights = tf.ragged.constant([[3.0, 1.0, 4.0], [], [0.5]])
    kept, scaled = text.strongest_terms(ids, weights, count=2)
    np.testing.assert_array_equal(kept, [[9, 5], [0, 0], [3, 0]])
    np.testing.assert_allclose(scaled, [[0.8, 0.6], [0, 0], [1, 0]], rtol=1e-6)


def test_an_encoder_reads_the_title_or_else_the_description_as_people_do():
    from components.transform.module import MAX_TEXT_BYTES, text_to_encode

    titles = [
        "<b>Cafe\u0301</b> &amp; mug\u200b",
        "",
        " -- ",
        "Pullover",
        "\u00e4" * 3000,
        b"ok \xff\xfe",
    ]
    descriptions = ["for tea", "a felt hat", "of 1990", "", "", ""]
    read = text_to_encode(tf.constant(titles), tf.constant(descriptions)).numpy().tolist()
    assert [each.decode() for each in read[:4]] == [
        "Caf\u00e9 mug",
        "a felt hat",
        "of 1990",
        "Pullover",
    ]
    assert read[4].decode() == "\u00e4" * (MAX_TEXT_BYTES // 2)
    assert read[5] == b"ok"
    assert text_to_encode(tf.constant(["..."]), tf.constant([""])).numpy().tolist() == [b""]
