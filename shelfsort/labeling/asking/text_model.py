"""A model of titles that is refitted in a fraction of a second: TF-IDF, SVD and ridge regression.

The features need no labels, so they are made once. Ridge regression on them has a closed form, and
leaving out a fold only subtracts its sums: held-out scores cost little more than the fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import hstack

WIDTH, FOLDS = 256, 5
_PENALTY = 1.0
_SCALE = 12.0
"""Makes logarithms of odds of ridge scores; `believe` fits a factor to it."""
_FEW = 50
_LONGEST = 2_000


def text_features(texts: Sequence[str], width: int = WIDTH) -> np.ndarray:
    """(N, D) float32 rows of length 1 (0 without words), D at most `width`.

    The leading directions of TF-IDF of words and their pairs, and of groups of 2 to 5 characters.
    The same texts give the same features.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    lower = [text[:_LONGEST].lower() for text in texts]
    often = 1 if len(lower) < _FEW else 2
    kinds = ({"ngram_range": (1, 2)}, {"ngram_range": (2, 5), "analyzer": "char_wb"})
    found = []
    for kind in kinds:
        terms = TfidfVectorizer(sublinear_tf=True, min_df=often, dtype=np.float32, **kind)
        try:
            found.append(terms.fit_transform(lower))
        except ValueError:  # No term is left.
            continue
    if not found:
        return np.zeros((len(lower), 1), np.float32)
    joined = hstack(found).tocsr()
    most = min(width, joined.shape[0] - 1, joined.shape[1] - 1)
    if most < 1:
        features = joined.toarray().astype(np.float32)
    else:
        features = TruncatedSVD(most, n_iter=2, random_state=0).fit_transform(joined)
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.divide(
        features, length, out=np.zeros_like(features, np.float32), where=length > 1e-6
    ).astype(np.float32)


def text_folds(texts: Sequence[str], folds: int = FOLDS) -> np.ndarray:
    """(N,) fold of each product; products with one text are in one fold."""
    keys = [" ".join(text.casefold().split()) for text in texts]
    groups = np.unique(keys, return_inverse=True)[1]
    order = np.random.default_rng(0).permutation(groups.max(initial=0) + 1)
    return np.asarray(order[groups] % folds)


@dataclass(frozen=True)
class CrossFittedRidge:
    """Ridge regression on fixed features.

    Attributes:
        features: (N, D) of all products.
        folds: (N,) fold of each product.
    """

    features: np.ndarray
    folds: np.ndarray

    def logits(self, rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """(N, K) logarithms of odds, up to one factor.

        A product in `rows` is scored by a model that was fitted without its fold, any other one
        by the model of all rows.

        Args:
            rows: (R,) distinct rows to fit to.
            targets: (R, K) probabilities of their labels.
        """
        held_out, coefficients = self._fitted(rows, targets)
        scores = self.features @ coefficients
        scores[rows] = held_out
        return np.asarray(_SCALE * scores)

    def held_out_logits(self, rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """(R, K) those of `logits` at `rows`."""
        return np.asarray(_SCALE * self._fitted(rows, targets)[0])

    def _fitted(self, rows: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(R, K) held-out scores of `rows`, and (D, K) coefficients of the fit to all of them."""
        sums = [self._sums(rows, targets, fold) for fold in range(self.folds.max(initial=0) + 1)]
        squares, products = (np.sum(each, axis=0) for each in zip(*sums, strict=True))
        held_out = np.zeros(targets.shape, np.float32)
        for fold, (own_squares, own_products) in enumerate(sums):
            own = self.folds[rows] == fold
            left = self._solved(squares - own_squares, products - own_products)
            held_out[own] = self.features[rows[own]] @ left
        return held_out, self._solved(squares, products)

    def _sums(
        self, rows: np.ndarray, targets: np.ndarray, fold: int
    ) -> tuple[np.ndarray, np.ndarray]:
        inside = self.folds[rows] == fold
        features = self.features[rows[inside]]
        return features.T @ features, features.T @ targets[inside].astype(np.float32)

    def _solved(self, squares: np.ndarray, products: np.ndarray) -> np.ndarray:
        penalty = _PENALTY * np.eye(len(squares), dtype=np.float32)
        return np.linalg.solve(squares + penalty, products)
