"""The few numbers that products are compared by, and distances between products in them.

A space is fitted to the products that it compares with. These lie farther from each other in it
than from a product that comes later, because their own differences chose its directions. So a known
product stands for a later one only in a space that its group had no part in, and among references
of other groups.
"""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import scipy.linalg

from shelfsort.training.rows import chunks

NEIGHBOURS = 5
DIMENSIONS = 64
_LEAST_PARTS, _ROWS_OF_ALL_PARTS = 10, 10_000
"""The fewer references there are, the more a missing part moves a space, and the less it costs."""
_LEAST_SHARE = 1e-9
"""Of the largest variance: what is smaller is rounding."""

Features = Callable[[np.ndarray], np.ndarray]
"""The (m, features) of the products at (m,) rows."""


@dataclasses.dataclass(frozen=True)
class Space:
    """Few numbers for many: the directions in which the training products differ most.

    Attributes:
        centre: (features,) float32, the mean.
        basis: (features, k) float32, 1 to DIMENSIONS orthonormal columns.
    """

    centre: np.ndarray
    basis: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> "Space":
        """The first principal components of (m, features) rows, half as many as rows at most."""
        rows, most = features.astype(np.float64), _directions(len(features))
        if len(rows) < rows.shape[1]:
            return cls.of_products(rows, most, gram=rows @ rows.T)
        return cls.of_products(rows, most, moments=rows.T @ rows)

    @classmethod
    def of_products(
        cls,
        rows: np.ndarray,
        most: int,
        *,
        gram: np.ndarray | None = None,
        moments: np.ndarray | None = None,
    ) -> "Space":
        """The same from products that are known.

        Args:
            rows: (m, features) float64.
            most: columns of the basis; fewer where the rows differ in fewer directions.
            gram: (m, m) products of rows; faster where there are fewer of them than features.
            moments: (features, features) products of features.
        """
        width = rows.shape[1]
        if not len(rows):
            return cls(np.zeros(width, np.float32), np.eye(width, 1, dtype=np.float32))
        centre = rows.mean(axis=0)
        if moments is not None:
            basis = _strongest(moments - len(rows) * np.outer(centre, centre), most)[1]
        else:
            assert gram is not None
            means = gram.mean(axis=0)
            basis = _of_few(rows - centre, gram - means - means[:, None] + means.mean(), most)
        return cls(centre.astype(np.float32), basis.astype(np.float32))

    def reduced(self, features: np.ndarray) -> np.ndarray:
        """(n, features) → (n, k) float32."""
        return np.asarray((features - self.centre) @ self.basis)


def squares_apart(points: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Squared distances: (n, d), (r, d) → (n, r), at least 0."""
    square = (points**2).sum(axis=1)[:, None] + (references**2).sum(axis=1)
    return np.maximum(square - 2 * points @ references.T, 0)


def mean_of_least(apart: np.ndarray) -> np.ndarray:
    """(n, r) distances → (n,) mean of the NEIGHBOURS least finite ones, of fewer where there are no
    more; infinite where there are none.
    """
    if not apart.shape[1]:
        return np.full(len(apart), np.inf)
    count = min(NEIGHBOURS, apart.shape[1])
    least = np.partition(apart, count - 1, axis=1)[:, :count]
    there = np.isfinite(least)
    mean = np.where(there, least, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return np.where(there.any(axis=1), mean, np.inf)


def filled(distance: np.ndarray) -> np.ndarray:
    """(n,) distances; what has nothing to be compared with counts as the most distant of all."""
    there = np.isfinite(distance)
    return np.where(there, distance, distance[there].max(initial=0.0))


class CrossedSpaces:
    """Compares products with those of other groups, in spaces that their own group had no part in.

    The groups are dealt into ten parts, or more where there are few references. A product is
    compared as one that comes later is, but for the part that is missing.
    """

    def __init__(self, features: Features, groups: np.ndarray, chosen: np.ndarray):
        """Fits a space for each part.

        Args:
            features: of the products.
            groups: (n,) ints of all products.
            chosen: (r,) rows of the references.
        """
        self._features, self._chosen = features, chosen
        parts = max(_LEAST_PARTS, _ROWS_OF_ALL_PARTS // max(1, len(chosen)))
        # Groups are numbered by a hash, so these are random parts.
        self._part = np.unique(groups, return_inverse=True)[1] % parts
        self._parts = range(min(parts, int(self._part.max(initial=0)) + 1))
        references = features(chosen)
        self._spaces = list(self._fitted(references.astype(np.float64)))
        self._reduced = [
            space.reduced(references[self._others(part)]) for part, space in enumerate(self._spaces)
        ]

    def apart(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Squared distances of the products at (n,) rows, some at a time.

        Yields:
            (m,) places among the rows, (m, s) distances, and the (s,) rows of the references.
        """
        for some in chunks(np.arange(len(rows))):
            features, part_of = self._features(rows[some]), self._part[rows[some]]
            for part in np.unique(part_of):
                own = part_of == part
                points = self._spaces[part].reduced(features[own])
                references = self._chosen[self._others(part)]
                yield some[own], squares_apart(points, self._reduced[part]), references

    def _fitted(self, rows: np.ndarray) -> Iterator[Space]:
        """Products of rows are formed once, and taken apart for each space."""
        most = _directions(len(rows))
        if len(rows) < rows.shape[1]:
            gram = rows @ rows.T
            for part in self._parts:
                others = self._others(part)
                yield Space.of_products(rows[others], most, gram=gram[np.ix_(others, others)])
            return
        moments = rows.T @ rows
        for part in self._parts:
            own = rows[self._part[self._chosen] == part]
            others = rows[self._others(part)]
            yield Space.of_products(others, most, moments=moments - own.T @ own)

    def _others(self, part: int) -> np.ndarray:
        return np.flatnonzero(self._part[self._chosen] != part)


class FoldSpaces:
    """The same where a backbone was tuned without each fold, and embeds all for that fold.

    The references of the other folds are what the backbone was tuned on, as in a served model.
    """

    def __init__(
        self,
        features: Callable[[int, np.ndarray], np.ndarray],
        folds: np.ndarray,
        chosen: np.ndarray,
    ):
        """Fits nothing yet.

        Args:
            features: for a fold, the (m, features) of the products at (m,) rows.
            folds: (n,) ints of all products.
            chosen: (r,) rows of the references.
        """
        self._features, self._folds, self._chosen = features, folds, chosen

    def apart(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """As that of `CrossedSpaces`."""
        for fold in np.unique(self._folds[rows]).tolist():
            others = self._chosen[self._folds[self._chosen] != fold]
            features = self._features(fold, others)
            space = Space.of(features)
            references = space.reduced(features)
            for places in chunks(np.flatnonzero(self._folds[rows] == fold)):
                points = space.reduced(self._features(fold, rows[places]))
                yield places, squares_apart(points, references), others


def _directions(rows: int) -> int:
    """How many so many rows can choose; a part of them must be able to choose as many."""
    return min(DIMENSIONS, max(1, rows // 2))


def _strongest(scatter: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest (k,) eigenvalues of a symmetric matrix, falling, and their (n, k) vectors."""
    n = len(scatter)
    values, vectors = scipy.linalg.eigh(
        scatter, subset_by_index=(max(0, n - most), n - 1), check_finite=False
    )
    return values[::-1], vectors[:, ::-1]


def _of_few(centred: np.ndarray, gram: np.ndarray, most: int) -> np.ndarray:
    """The components of fewer rows than columns, from the products of rows with each other."""
    values, vectors = _strongest(gram, most)
    kept = values > _LEAST_SHARE * max(values[0], 0.0)
    if not kept.any():
        return np.eye(centred.shape[1], 1)
    return np.asarray(centred.T @ (vectors[:, kept] / np.sqrt(values[kept])))
