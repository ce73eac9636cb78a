"""Vocabularies: which terms products have, and what has been learnt of each kind of term."""

import dataclasses

import numpy as np
import tensorflow as tf

from components.transform import normal_form, text
from components.transform.artifact import CATEGORIES_VOCABULARY, PIECES_VOCABULARY, WORDS_VOCABULARY
from components.transform.settings import TransformConfig
from shelfsort.core.files import read_json


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a vocabulary keeps.

    Attributes:
        size: so many terms at most, the most frequent first; None for all.
        min_count: terms that occur less often are dropped.
    """

    size: int | None = None
    min_count: int = 1


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """What was learnt of one kind of term.

    Attributes:
        path: of a file with a term a line; a term's id is the number of its line, from 0.
        documents: (terms,) int64, how many products have each.
        products: how many there are.
    """

    path: str
    documents: np.ndarray
    products: int

    @classmethod
    def read(cls, folder: str, name: str) -> "Vocabulary":
        """A vocabulary that `learning.LearnVocabularies` wrote into a folder."""
        content = read_json(f"{folder}/{name}.json")
        documents = np.array(content["documents"], np.int64)
        return cls(f"{folder}/{name}", documents, content["products"])

    @property
    def idf(self) -> np.ndarray:
        """(terms,) float32: ln((products + 1) / (documents + 1)) + 1, scikit-learn's smooth idf."""
        with tf.init_scope():  # once, and not in a graph that computes it for every request
            products, documents = (
                tf.cast(each, tf.float32) for each in (self.products, self.documents)
            )
            return (tf.math.log((products + 1.0) / (documents + 1.0)) + 1.0).numpy()


def limits_of(config: TransformConfig) -> dict[str, Limits]:
    """What each vocabulary keeps: all categories, and of words and pieces what is configured."""
    terms = Limits(config.max_vocabulary, config.min_count)
    return {
        WORDS_VOCABULARY: terms,
        PIECES_VOCABULARY: terms,
        CATEGORIES_VOCABULARY: Limits(),
    }


def terms_of(title: tf.Tensor, description: tf.Tensor) -> dict[str, tf.RaggedTensor]:
    """Terms by vocabulary, ragged (n, terms) each, of the words of n products, (n,) strings."""
    title, description = tf.split(normal_form.as_read(tf.concat([title, description], 0)), 2)
    title_and_description = tf.strings.join([title, description], separator=" ")
    return {
        WORDS_VOCABULARY: text.word_terms(text.words(title_and_description)),
        PIECES_VOCABULARY: text.piece_terms(text.words(title)),
    }
