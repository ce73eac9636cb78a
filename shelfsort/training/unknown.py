"""Measures how strange a product looks, by the towers' energy and by its image.

A softmax compares the categories with each other, so the towers may be sure of the one that a
product resembles most and yet know nothing of it. The energy tells the two apart: it is minus the
logarithm of the summed exponentials of the logits, as the towers give them and before a softmax
(Liu et al., "Energy-based out-of-distribution detection", NeurIPS 2020). It is high where no word
of a title speaks for any category.

The entropy of what the words say adds a little. An image alone says less by its energy. There it is
the entropy of the answer that counts, and how much of the image's embedding lies outside of the
principal components of the training products (as in Wang et al., "ViM: Out-of-distribution with
virtual-logit matching", CVPR 2022).
"""

import dataclasses
import hashlib
from collections.abc import Mapping

import numpy as np
from scipy.special import entr, softmax

from shelfsort.contract.modalities import MODALITIES
from shelfsort.stats.novelty import Scale, fit_scale
from shelfsort.training.dataset import Products
from shelfsort.training.evidence import Evidence, Scored, modality_rows
from shelfsort.training.rows import chunks, evenly
from shelfsort.training.spaces import Space, outside_of_folds, outside_of_others
from shelfsort.training.towers import unit_roots

MOST_CHOOSING = 4000
"""Training products that choose the space of images."""
_WITH_WORDS = (1.0, 0.5, 0.0)
_IMAGE_ALONE = (0.0, 1.0, 0.75)
"""Factors of energy, entropy and distance. With words, what a distance brings for new departments
it takes from new categories. By the image alone, a factor of 1 for the distance notices more new
departments of fashion (.57 for .51) and fewer new categories (.20 for .21).
"""


def chosen_rows(labels: np.ndarray, rows: np.ndarray, most: int = MOST_CHOOSING) -> np.ndarray:
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
        space: of the training products' images.
        scales: by modality, of the measures.
    """

    space: Space
    scales: Mapping[str, Scale]

    def digest(self) -> str:
        """32 hex digits that change with any number of the check."""
        numbers = [
            *(
                np.concatenate([scale.centre, scale.weights, scale.knots])
                for scale in (self.scales[modality] for modality in MODALITIES)
            ),
            self.space.centre,
            self.space.basis,
        ]
        found = hashlib.blake2b(digest_size=16)
        for each in numbers:
            found.update(np.asarray(each, "<f4").tobytes())
        return found.hexdigest()

    def scores(self, scored: Scored) -> dict[str, np.ndarray]:
        """By modality, (n,) unknown scores in [0, 1] of products that the check's model never saw.

        0 where the modality does not answer.
        """
        found = {}
        for modality, rows in modality_rows(scored.products).items():
            outside = outside_of(self.space, scored.products, rows)
            seen = _measures_of(Evidence(scored, rows, modality), outside)
            found[modality] = np.zeros(len(scored.products))
            found[modality][rows] = self.scales[modality].scores(seen)
        return found


@dataclasses.dataclass(frozen=True)
class UnknownFit:
    """The check as it is served, and what it says of the products that it was fitted on.

    Attributes:
        check: fitted on all of them.
        scores: by modality, (n,) unknown scores; each product's by a space that its group had no
            part in, and a scale of the other folds. 0 where the modality does not answer.
    """

    check: UnknownCheck
    scores: Mapping[str, np.ndarray]


def fit_unknown(held_out: Scored) -> UnknownFit:
    """Fits the check on cross-fitted answers and distances: see `spaces.outside_of_others`.

    Args:
        held_out: the split `train`, answered by towers that never saw the products.
    """
    products, folds = held_out.products, held_out.folds
    rows = modality_rows(products)
    outside = np.zeros(len(products), np.float32)
    outside[rows["image"]] = _outside_of_others(held_out, rows["image"])
    scales: dict[str, Scale] = {}
    scores: dict[str, np.ndarray] = {}
    for modality in MODALITIES:
        answered = rows[modality]
        found = _measures_of(Evidence(held_out, answered, modality), outside[answered])
        known = products.evidence[answered]
        scales[modality] = scale_of(found[known], modality)
        scores[modality] = np.zeros(len(products))
        for fold in np.unique(folds[answered]):
            own = folds[answered] == fold
            scale = scale_of(found[known & ~own], modality)
            scores[modality][answered[own]] = scale.scores(found[own])
    space = Space.of(image_features(products, chosen_rows(products.labels, rows["image"])))
    return UnknownFit(UnknownCheck(space, scales), scores)


def scale_of(known: np.ndarray, modality: str) -> Scale:
    """The scale of (n, 3) measures of known products."""
    return fit_scale(known, _IMAGE_ALONE if modality == "image" else _WITH_WORDS)


def doubting(modality: str) -> str:
    """The modality whose entropy counts: that of the words wherever there are words."""
    return "text" if modality == "combined" else modality


def measures(energies: np.ndarray, logits: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """(n, 3) measures of products: energies, entropies of the answers, and distances of images.

    Args:
        energies: (n,) see `Fusion.energies_in`.
        logits: (n, K) in the modality that `doubting` gives.
        outside: (n,) see `outside_of`.
    """
    return np.stack([energies, entr(softmax(logits, axis=1)).sum(axis=1), outside], axis=1)


def _measures_of(evidence: Evidence, outside: np.ndarray) -> np.ndarray:
    """(n, 3) measures of the evidence's products, given the (n,) distances of their images."""
    found = np.zeros((len(evidence.rows), 3))
    doubts = dataclasses.replace(evidence, modality=doubting(evidence.modality))
    for places in chunks(np.arange(len(found))):
        rows = evidence.rows[places]
        found[places] = measures(evidence.energies(rows), doubts.logits(rows), outside[places])
    return found


def outside_of(space: Space, products: Products, rows: np.ndarray) -> np.ndarray:
    """(m,) float32 distances of the images of the products at (m,) `rows`; 0 without an image."""
    found = np.zeros(len(rows), np.float32)
    for places in chunks(np.flatnonzero(products.has_image[rows])):
        found[places] = space.outside(image_features(products, rows[places]))
    return found


def image_features(products: Products, rows: np.ndarray) -> np.ndarray:
    """(m, embedding) float32 of unit length; one row of zeros where there are no rows."""
    if not len(rows):
        return np.zeros((1, products.embedding_size), np.float32)
    return np.concatenate(
        [np.asarray(unit_roots(products.tower_inputs(some)["embeddings"])) for some in chunks(rows)]
    )


def _outside_of_others(held_out: Scored, rows: np.ndarray) -> np.ndarray:
    """(m,) distances of the products at (m,) `rows` from spaces of other groups' images."""
    products = held_out.products
    chosen = chosen_rows(products.labels, rows)
    if products.fold_embeddings:
        return outside_of_folds(
            lambda fold, some: image_features(products.without(fold), some),
            held_out.folds,
            chosen,
            rows,
        )
    return outside_of_others(
        lambda some: image_features(products, some), products.groups, chosen, rows
    )
