"""Measures how little a product resembles the training products, by its words and by its image.

A product that belongs nowhere in the tree is far from all of them, while the towers may still be
sure of the category that it resembles. The distance is to the nearest training products, in a space
that needs no labels: principal components of the image's embedding, and of the text's terms hashed
into few numbers (feature hashing: Weinberger et al., "Feature hashing for large scale multitask
learning", ICML 2009). The model keeps a sample of the training products in these spaces.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from shelfsort.contract.modalities import ALONE, MODALITIES
from shelfsort.stats.novelty import Scale, fit_scale
from shelfsort.stats.temperature import softmax
from shelfsort.training.dataset import Products
from shelfsort.training.evidence import Evidence, Scored, modality_rows
from shelfsort.training.rows import chunks, evenly
from shelfsort.training.spaces import (
    NEIGHBOURS,
    CrossedSpaces,
    FoldSpaces,
    Space,
    filled,
    mean_of_least,
)
from shelfsort.training.towers import unit_roots

MOST_REFERENCES = 4000
"""Training products that the model keeps of each modality."""
_HASHED = 512
# Ids stay below 2^31, so that no product reaches 2^63.
_PRIME = 2**31 - 1
_BUCKETS = ((1103515245, 12345), (1664525, 1013904223))
_SIGNS = ((22695477, 1), (214013, 2531011))
_PIECES_AFTER = 2**20

Inputs = Mapping[str, tf.Tensor]
"""What the towers take, by input name: see `dataset.Products.tower_inputs`."""


def text_features(inputs: Inputs) -> tf.Tensor:
    """(n, 512) float32: the weights of words and pieces, each added to two hashed places."""
    ids = [tf.cast(inputs[f"{kind}_ids"], tf.int64) for kind in ("word", "piece")]
    ids = tf.concat([ids[0], tf.where(ids[1] > 0, ids[1] + _PIECES_AFTER, 0)], axis=1)
    weights = tf.concat([inputs["word_weights"], inputs["piece_weights"]], axis=1)
    rows = tf.shape(ids, tf.int64)[0]
    starts = tf.range(rows)[:, tf.newaxis] * _HASHED
    added = []
    for bucket, sign in zip(_BUCKETS, _SIGNS, strict=True):
        places = starts + _hash(ids, bucket) % _HASHED
        signs = tf.cast(_hash(ids, sign) // 64 % 2 * 2 - 1, tf.float32)
        added.append((places, weights * signs))
    places, values = (
        tf.reshape(tf.concat(each, axis=1), [-1]) for each in zip(*added, strict=True)
    )
    hashed = tf.math.unsorted_segment_sum(values, places, rows * _HASHED)
    return tf.reshape(hashed, [-1, _HASHED]) / 2.0


def image_features(inputs: Inputs) -> tf.Tensor:
    """(n, embedding) float32 of unit length; zeros without an image."""
    return unit_roots(inputs["embeddings"])


FEATURES: Mapping[str, Callable[[Inputs], tf.Tensor]] = {
    "text": text_features,
    "image": image_features,
}


def _hash(ids: tf.Tensor, numbers: tuple[int, int]) -> tf.Tensor:
    factor, summand = numbers
    return (ids * factor + summand) % _PRIME


class Neighbourhood:
    """Training products in a space, as variables of the served graph.

    Args:
        space: of the features.
        references: (r, k) training products in it.
    """

    def __init__(self, space: Space, references: np.ndarray):
        squares = (references**2).sum(axis=1)
        values = (space.centre, space.basis, references, squares)
        self.variables = [
            tf.Variable(np.asarray(each, np.float32), trainable=False) for each in values
        ]

    def distance(self, features: tf.Tensor) -> tf.Tensor:
        """Mean squared distance to the NEIGHBOURS nearest: (n, features) → (n,) float32."""
        centre, basis, references, squares = self.variables
        points = tf.matmul(features - centre, basis)
        # The square of the point itself is the same for all references.
        apart = squares - 2 * tf.matmul(points, references, transpose_b=True)
        nearest = -tf.math.top_k(-apart, k=min(NEIGHBOURS, references.shape[0])).values
        square = tf.reduce_sum(points**2, axis=1)
        return tf.maximum(square + tf.reduce_mean(nearest, axis=1), 0.0)


def reference_rows(labels: np.ndarray, rows: np.ndarray, most: int = MOST_REFERENCES) -> np.ndarray:
    """At most `most` of the rows, as evenly over the categories as these have them.

    Args:
        labels: (n,) category ids of all products.
        rows: (m,) to choose from.
        most: rows in the result.
    """
    if len(rows) <= most:
        return rows
    own = labels[rows]
    _, counts = np.unique(own, return_counts=True)
    each = max(c for c in range(most + 1) if np.minimum(counts, c).sum() <= most)
    if not each:
        return evenly(rows, most)
    return np.sort(np.concatenate([evenly(rows[own == c], each) for c in np.unique(own)]))


@dataclasses.dataclass(frozen=True)
class UnknownCheck:
    """All that a served model needs to measure how strange a product is.

    Attributes:
        near: by "text" and "image", the training products.
        scales: by modality.
    """

    near: Mapping[str, Neighbourhood]
    scales: Mapping[str, Scale]

    def measures(self, scored: Scored, modality: str, rows: np.ndarray) -> np.ndarray:
        """(m, 3) measures of products at (m,) `rows` that the check's model never saw."""
        return measures(
            {
                kind: distances(scored.products, kind, rows, self.near[kind])
                for kind in used(modality)
            },
            doubts(Evidence(scored, rows, modality)),
        )

    def digest(self) -> str:
        """32 hex digits that change with any number of the check."""
        numbers = [
            *(
                np.concatenate([scale.centre, scale.weights, scale.knots])
                for scale in (self.scales[modality] for modality in MODALITIES)
            ),
            *(each.numpy() for kind in ALONE for each in self.near[kind].variables),
        ]
        found = hashlib.blake2b(digest_size=16)
        for each in numbers:
            found.update(np.asarray(each, "<f4").tobytes())
        return found.hexdigest()

    def scores(self, scored: Scored) -> dict[str, np.ndarray]:
        """By modality, (n,) unknown scores in [0, 1]; 0 where it does not answer."""
        found = {}
        for modality, rows in modality_rows(scored.products).items():
            found[modality] = np.zeros(len(scored.products))
            found[modality][rows] = self.scales[modality].scores(
                self.measures(scored, modality, rows)
            )
        return found


@dataclasses.dataclass(frozen=True)
class UnknownFit:
    """The check as it is served, and what it says of the products that it was fitted on.

    Attributes:
        check: fitted on all of them.
        scores: by modality, (n,) unknown scores; each product's by a space and references that its
            group had no part in, and a scale of the other folds. 0 where the modality does not
            answer.
    """

    check: UnknownCheck
    scores: Mapping[str, np.ndarray]


def fit_unknown(held_out: Scored) -> UnknownFit:
    """Fits the check on cross-fitted answers and distances: see `CrossedSpaces`.

    Args:
        held_out: the split `train`, answered by towers that never saw the products.
    """
    products, folds = held_out.products, held_out.folds
    rows = modality_rows(products)
    apart = {kind: np.zeros(len(products), np.float32) for kind in ALONE}
    for kind in ALONE:
        apart[kind][rows[kind]] = _from_others(held_out, kind, rows[kind])
    scales: dict[str, Scale] = {}
    scores: dict[str, np.ndarray] = {}
    for modality in MODALITIES:
        answered = rows[modality]
        found = measures(
            {kind: apart[kind][answered] for kind in used(modality)},
            doubts(Evidence(held_out, answered, modality)),
        )
        known = products.evidence[answered]
        scales[modality] = fit_scale(found[known], flags(modality))
        scores[modality] = np.zeros(len(products))
        for fold in np.unique(folds[answered]):
            own = folds[answered] == fold
            scale = fit_scale(found[known & ~own], flags(modality))
            scores[modality][answered[own]] = scale.scores(found[own])
    near = {kind: _neighbourhood(products, kind, rows[kind]) for kind in ALONE}
    return UnknownFit(UnknownCheck(near, scales), scores)


def used(modality: str) -> tuple[str, ...]:
    """The modalities that a distance counts of, in the order of the measures."""
    return ALONE if modality not in ALONE else (modality,)


def measures(apart: Mapping[str, np.ndarray], doubt: np.ndarray) -> np.ndarray:
    """(n, 3) measures: distances by text and by image, 0 where there is none, and doubt."""
    none = np.zeros(len(doubt))
    return np.stack([*(apart.get(kind, none) for kind in ALONE), doubt], axis=1).astype(np.float64)


def doubts(evidence: Evidence) -> np.ndarray:
    """(n,) of each answer, 1 less the probability of its category at temperature 1."""
    found = np.zeros(len(evidence.rows))
    for places in chunks(np.arange(len(found))):
        probabilities = softmax(evidence.logits(evidence.rows[places]), 1.0)
        found[places] = 1 - probabilities.max(axis=1)
    return found


def distances(products: Products, kind: str, rows: np.ndarray, near: Neighbourhood) -> np.ndarray:
    """(m,) float32 distances of the products at (m,) `rows`."""
    found = np.zeros(len(rows), np.float32)
    for places in chunks(np.arange(len(rows))):
        found[places] = near.distance(FEATURES[kind](products.tower_inputs(rows[places]))).numpy()
    return found


def flags(modality: str) -> Sequence[bool]:
    """Which of the measures count."""
    return [*(kind in used(modality) for kind in ALONE), True]


def features_of(products: Products, kind: str, rows: np.ndarray) -> np.ndarray:
    """(m, features) of the products at (m,) `rows`; one row of zeros where there are none."""
    if not len(rows):
        rows = np.zeros(1, np.int64)
        return np.zeros_like(features_of(products, kind, rows))
    return np.concatenate(
        [np.asarray(FEATURES[kind](products.tower_inputs(some))) for some in chunks(rows)]
    )


def crossed_spaces(held_out: Scored, kind: str, rows: np.ndarray) -> CrossedSpaces | FoldSpaces:
    """Spaces of the products at (m,) `rows` that answer in a modality."""
    products, chosen = held_out.products, reference_rows(held_out.products.labels, rows)
    if kind == "image" and products.fold_embeddings:
        return FoldSpaces(
            lambda fold, some: features_of(products.without(fold), kind, some),
            held_out.folds,
            chosen,
        )
    return CrossedSpaces(lambda some: features_of(products, kind, some), products.groups, chosen)


def _from_others(held_out: Scored, kind: str, rows: np.ndarray) -> np.ndarray:
    """(m,) distances of the products at (m,) `rows` to references of other groups."""
    least = np.full((len(rows), NEIGHBOURS), np.inf, np.float32)
    if len(rows):
        for places, apart, _ in crossed_spaces(held_out, kind, rows).apart(rows):
            count = min(NEIGHBOURS, apart.shape[1])
            if count:
                least[places, :count] = np.partition(apart, count - 1, axis=1)[:, :count]
    return filled(mean_of_least(least))


def _neighbourhood(products: Products, kind: str, rows: np.ndarray) -> Neighbourhood:
    features = features_of(products, kind, reference_rows(products.labels, rows))
    space = Space.of(features)
    return Neighbourhood(space, space.reduced(features))
