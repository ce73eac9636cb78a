"""What people would pick to sort products into categories, on the features that our towers take.

Terms are the words, word pairs and pieces of words that Transform cuts, with TF-IDF weights. Each
peer gives log-probabilities; stacking needs those of others about products that they never saw.
"""

import contextlib
import dataclasses
import functools
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from linear import fit_linear
from scipy.sparse import csr_matrix, hstack
from scipy.special import log_softmax
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from shelfsort.training.dataset import TEXT_EMBEDDINGS, Products
from shelfsort.training.fitting import VocabularySizes

TERMS, IMAGES, ENCODED = "terms", "images", "encoded"
# The best of 3, 10, 30 and 100 on training products of fashion and clothing, for each of the parts.
_INVERSE_REGULARISATION = 10.0
_STEPS = 60
_REDUCED = 128
_SEEN = 100_000
_ROUNDS = 300
_LEAST = math.log(1e-6)


@dataclasses.dataclass(frozen=True)
class Answers:
    """Log-probabilities by a peer.

    Attributes:
        logits: (n, K) float32, of the products asked about.
        size: bytes of what was fitted, without backbone and encoder.
    """

    logits: np.ndarray
    size: int


Peer = Callable[["Parts", np.ndarray, np.ndarray, int, int], Answers]
"""Parts of the products, (m,) rows to fit on, (n,) labels of all, K and a seed → all answers."""


@dataclasses.dataclass(frozen=True)
class Parts:
    """Features of n products; a fit sees those of its rows alone.

    Attributes:
        terms: the words, and the pieces of words; empty where no product has text.
        embeddings: (n, width) float32 by name, `images` and `encoded`, where any product has them.
    """

    terms: Sequence[csr_matrix]
    embeddings: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, products: Sequence[Products], sizes: VocabularySizes) -> "Parts":
        """The parts of all products, one after the other."""
        features = [each.features[np.arange(len(each))] for each in products]
        stacked = np.concatenate(features)
        terms, embeddings = [], {}
        if any(each.has_text.any() for each in products):
            terms = [_sparse(stacked, "word", sizes.words), _sparse(stacked, "piece", sizes.pieces)]
        if any(each.has_image.any() for each in products):
            embeddings[IMAGES] = stacked["embeddings"]
        if terms and products[0].text_embedding_size:
            embeddings[ENCODED] = stacked[TEXT_EMBEDDINGS]
        return cls(terms, embeddings)

    @property
    def names(self) -> set[str]:
        """Of the parts that there are."""
        return {*self.embeddings, *([TERMS] if self.terms else [])}

    def standardised(self, name: str, rows: np.ndarray) -> np.ndarray:
        """An embedding with mean 0 and variance 1 on `rows`, divided by the root of its width."""
        vectors = self.embeddings[name]
        centre, spread = vectors[rows].mean(axis=0), vectors[rows].std(axis=0) + 1e-6
        return (vectors - centre) / (spread * math.sqrt(vectors.shape[1]))

    def reduced(self, rows: np.ndarray, seed: int) -> np.ndarray:
        """(n, width) principal directions of every part, fitted on `rows`."""
        found = []
        if self.terms:
            terms = hstack(self.terms).tocsr()
            width = min(_REDUCED, terms.shape[1] - 1)
            found.append(TruncatedSVD(width, random_state=seed).fit(terms[rows]).transform(terms))
        for vectors in self.embeddings.values():
            # As many directions as products span them all, the last ones by chance.
            width = min(_REDUCED, len(rows) // 2, vectors.shape[1])
            found.append(PCA(width, random_state=seed).fit(vectors[rows]).transform(vectors))
        return np.concatenate(found, axis=1)


def _fitted(blocks: Sequence[Any], labels: np.ndarray, rows: np.ndarray, classes: int) -> Answers:
    """The answers of a regression on these blocks of features, fitted on `rows`."""
    fitted = fit_linear(
        [each[rows] for each in blocks],
        labels[rows],
        classes,
        c=_INVERSE_REGULARISATION,
        steps=_STEPS,
    )
    return Answers(log_softmax(fitted.logits(blocks), axis=1), fitted.size)


def _regression(names: Sequence[str], parts, rows, labels, classes, seed) -> Answers:
    blocks: list[Any] = list(parts.terms) if TERMS in names else []
    present = parts.names & set(names)
    blocks += [parts.standardised(name, rows) for name in (IMAGES, ENCODED) if name in present]
    return _fitted(blocks, labels, rows, classes)


def _bag_of_words(parts, rows, labels, classes, seed) -> Answers:
    passes = max(20, _SEEN // len(rows))
    network = MLPClassifier(100, max_iter=passes, random_state=seed)
    return _network(network, parts.terms[0], rows, labels, classes)


def _early_fusion(parts, rows, labels, classes, seed) -> Answers:
    joined = parts.reduced(rows, seed)
    joined = (joined - joined[rows].mean(axis=0)) / (joined[rows].std(axis=0) + 1e-6)
    passes = max(30, _SEEN // len(rows))
    network = MLPClassifier(256, max_iter=passes, alpha=1e-2, random_state=seed)
    return _network(network, joined, rows, labels, classes)


def _network(network: MLPClassifier, inputs, rows, labels, classes) -> Answers:
    with _without_advice():
        network.fit(inputs[rows], labels[rows])
    size = sum(each.nbytes for each in (*network.coefs_, *network.intercepts_)) // 2
    return Answers(_all_classes(network.predict_proba(inputs), network.classes_, classes), size)


def _boosted(parts, rows, labels, classes, seed) -> Answers:
    import lightgbm

    inputs = parts.reduced(rows, seed)
    present, places = np.unique(labels[rows], return_inverse=True)
    settings = {
        # A Newton step of a leaf with a few products of a rare category is its gradient over a tiny
        # curvature: without a penalty one step is ten logits, and the fit diverges.
        "lambda_l2": 1.0,
        # With few products a category the best of many thresholds on many numbers is the best by
        # chance: thresholds at random, few numbers a tree and stumps are right more often.
        "objective": "multiclassova",
        "num_leaves": 2,
        "extra_trees": True,
        "feature_fraction": 0.1,
        "min_data_in_leaf": 1,
        "learning_rate": 0.15,
        "num_class": len(present),
        "seed": seed,
        "num_threads": 1,
        "verbose": -1,
    }
    data = lightgbm.Dataset(inputs[rows], places)
    booster = lightgbm.train(settings, data, num_boost_round=_ROUNDS)
    probabilities = np.asarray(booster.predict(inputs)).reshape(len(inputs), -1)
    size = len(booster.model_to_string().encode())
    return Answers(_all_classes(probabilities, present, classes), size)


def _all_classes(probabilities: np.ndarray, present: np.ndarray, classes: int) -> np.ndarray:
    logits = np.full((len(probabilities), classes), _LEAST, np.float32)
    logits[:, present] = np.log(np.maximum(probabilities, 1e-6))
    return log_softmax(logits, axis=1)


def _sparse(features: np.ndarray, kind: str, size: int) -> csr_matrix:
    weights, ids = features[f"{kind}_weights"], features[f"{kind}_ids"]
    rows, columns = np.nonzero(ids)
    entries = (weights[rows, columns], (rows, ids[rows, columns] - 1))
    return csr_matrix(entries, shape=(len(features), size))


@contextlib.contextmanager
def _without_advice() -> Iterator[None]:
    # The passes of a network are given on purpose.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


_ALL = (TERMS, IMAGES, ENCODED)


@dataclasses.dataclass(frozen=True)
class Reader:
    """A peer, and what it reads.

    Attributes:
        reads: parts of a product.
        least: a set has to have so many of them.
        fit: fits and answers.
    """

    reads: Sequence[str]
    least: int
    fit: Peer

    def can_read(self, parts: Parts) -> bool:
        """Whether a set has enough of what the peer reads."""
        return len(parts.names & set(self.reads)) >= self.least


PEERS: Mapping[str, Reader] = {
    "terms + LR": Reader((TERMS,), 1, functools.partial(_regression, (TERMS,))),
    "image + LR": Reader((IMAGES,), 1, functools.partial(_regression, (IMAGES,))),
    "encoder + LR": Reader((ENCODED,), 1, functools.partial(_regression, (ENCODED,))),
    "all + LR": Reader(_ALL, 2, functools.partial(_regression, _ALL)),
    "LightGBM": Reader(_ALL, 1, _boosted),
    "100 units": Reader((TERMS,), 1, _bag_of_words),
    "early fusion": Reader(_ALL, 1, _early_fusion),
}
STACKED_ON = ("terms + LR", "image + LR", "encoder + LR")


def fit_stacking(
    answers: Sequence[np.ndarray], labels: np.ndarray, rows: np.ndarray, classes: int
) -> Answers:
    """A regression on the log-probabilities of other peers.

    Args:
        answers: (n, K) log-probabilities of each, held out for the products to fit on.
        labels: (n,) ints in [0, K), of the products to fit on at least.
        rows: (m,) of the products to fit on.
        classes: K.
    """
    blocks = [np.maximum(each, _LEAST) / -_LEAST for each in answers]
    return _fitted(blocks, labels, rows, classes)
