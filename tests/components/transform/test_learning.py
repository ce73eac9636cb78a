"""What is learnt of terms, against scikit-learn's counts and numbers worked out by hand."""

from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from components.transform.artifact import (
    CATEGORIES_VOCABULARY,
    PIECES_VOCABULARY,
    WORDS_VOCABULARY,
)
from components.transform.learning import LearnVocabularies
from components.transform.settings import TransformConfig
from components.transform.vocabularies import Vocabulary, limits_of

pytestmark = pytest.mark.slow

TITLES = ("Red tote bag", "Red bag red strap", "Tea mug", "", "Blue tote")
DESCRIPTIONS = ("a bag", "", "for tea: tea mug", "", "")
SHELVES = ("bags", "bags", "mugs", "", "two\nlines")


def write(path: Path, products: list[dict[str, str]]) -> str:
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for product in products:
            feature = {
                name: tf.train.Feature(bytes_list={"value": [value.encode()]})
                for name, value in product.items()
            }
            writer.write(tf.train.Example(features={"feature": feature}).SerializeToString())
    return str(path)


def learn(folder: Path, products: list[dict[str, str]], files: int = 2, **config) -> dict:
    """(terms, Vocabulary) by name, learnt from products that lie in several files."""
    paths = [write(folder / f"{n}.gz", products[n::files]) for n in range(files)]
    with beam.Pipeline() as pipeline:
        limits = limits_of(TransformConfig(**config))
        _ = pipeline | beam.Create(paths) | LearnVocabularies(limits, str(folder))
    names = (WORDS_VOCABULARY, PIECES_VOCABULARY, CATEGORIES_VOCABULARY)
    return {
        name: ((folder / name).read_text("utf-8").splitlines(), Vocabulary.read(str(folder), name))
        for name in names
    }


@pytest.fixture(scope="module")
def products():
    columns = zip(TITLES, DESCRIPTIONS, SHELVES, strict=True)
    return [{"title": t, "description": d, "category": c} for t, d, c in columns]


@pytest.fixture(scope="module")
def learnt(products, tmp_path_factory):
    return learn(tmp_path_factory.mktemp("learnt"), products, min_count=1)


def test_words_and_their_idf_are_scikit_learns(learnt):
    texts = [f"{title} {words}" for title, words in zip(TITLES, DESCRIPTIONS, strict=True)]
    theirs = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\w+").fit(texts)
    words, vocabulary = learnt[WORDS_VOCABULARY]
    assert vocabulary.products == len(TITLES)
    assert sorted(words) == sorted(theirs.vocabulary_)
    expected = [theirs.idf_[theirs.vocabulary_[word]] for word in words]
    np.testing.assert_allclose(vocabulary.idf, expected, rtol=1e-6)


def test_pieces_are_scikit_learns_and_the_most_frequent_come_first(learnt):
    vectorizer = CountVectorizer(analyzer="char_wb", ngram_range=(3, 5))
    counted = vectorizer.fit_transform(TITLES)
    occurrences = np.asarray(counted.sum(axis=0))[0]
    ranked = sorted(
        ((occurrences[at], piece) for piece, at in vectorizer.vocabulary_.items()), reverse=True
    )
    pieces, vocabulary = learnt[PIECES_VOCABULARY]
    assert pieces == [piece for _, piece in ranked]
    documents = np.asarray((counted > 0).sum(axis=0))[0]
    expected = [documents[vectorizer.vocabulary_[piece]] for piece in pieces]
    np.testing.assert_array_equal(vocabulary.documents, expected)


def test_every_category_that_can_be_written_is_kept(learnt):
    assert learnt[CATEGORIES_VOCABULARY][0] == ["bags", "mugs"]


def test_rare_terms_and_those_beyond_the_size_are_dropped(products, tmp_path):
    learnt = learn(tmp_path, products, min_count=2, max_vocabulary=3)
    # "red" and "bag" occur three times, "tea" too; of "tote" and "mug" none has a place left.
    assert learnt[WORDS_VOCABULARY][0] == ["tea", "red", "bag"]
    assert learnt[CATEGORIES_VOCABULARY][0] == ["bags", "mugs"]


def test_files_make_no_difference(products, learnt, tmp_path):
    alone = learn(tmp_path, products, files=1, min_count=1)
    for name, (terms, vocabulary) in learnt.items():
        assert alone[name][0] == terms
        np.testing.assert_array_equal(alone[name][1].documents, vocabulary.documents)


def test_a_vocabulary_of_nothing_is_a_file_all_the_same(tmp_path):
    """A table cannot be made of an empty file, and pictures without a word are a catalogue, too."""
    learnt = learn(tmp_path, [{"category": "bags"}, {"category": "mugs"}])
    words, vocabulary = learnt[WORDS_VOCABULARY]
    assert len(words) == 1
    assert vocabulary.documents.tolist() == [0]
    assert vocabulary.products == 2
