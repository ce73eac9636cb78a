"""Products as they are read with the terms of some of them alone.

Transform's vocabularies hold the terms of all products of the training split. A fit without a fold
knows those of the others only, and the fold's own rare words are new to it, as a new product's are
to the served model: there they are no terms, and the weights of the rest have unit length.
"""

import dataclasses

import numpy as np

from shelfsort.training.dataset import Products
from shelfsort.training.rows import Rows, chunks

LEAST = 2
"""Products with a term, variants included, from which on a fit knows it."""
_KINDS = ("word", "piece")


def with_terms_of(products: Products, rows: np.ndarray) -> Products:
    """The same products without the terms that fewer than LEAST of those at (m,) `rows` have."""
    if not products.has_text.any():
        return products
    counts = {kind: np.zeros(1, np.int64) for kind in _KINDS}
    for some in chunks(rows[products.has_text[rows]]):
        inputs = products.tower_inputs(some)
        for kind in _KINDS:
            counts[kind] = _sum(counts[kind], np.bincount(inputs[f"{kind}_ids"].reshape(-1)))
    known = {kind: each >= LEAST for kind, each in counts.items()}
    return dataclasses.replace(products, features=_Known(products.features, known))


def _sum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of (k,) and (l,) numbers, the shorter filled up with zeros."""
    total = np.zeros(max(len(a), len(b)), np.int64)
    total[: len(a)] += a
    total[: len(b)] += b
    return total


class _Known:
    """Features with known terms only.

    Args:
        features: with all terms.
        known: by kind, (k,) bool of the ids below k; no higher one is known.
    """

    def __init__(self, features: Rows, known: dict[str, np.ndarray]):
        self._features = features
        self._known = known
        self.dtype = features.dtype

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        found = self._features[index]
        for kind, known in self._known.items():
            ids, weights = found[f"{kind}_ids"], found[f"{kind}_weights"]
            kept = known[np.minimum(ids, len(known) - 1)] & (ids > 0) & (ids < len(known))
            ids *= kept
            weights *= kept
            length = np.linalg.norm(weights, axis=1, keepdims=True)
            weights /= np.where(length > 0, length, 1)
        return found
