"""The directions in which images differ, and how much of an image lies outside of them.

A space is fitted to training products, which lie nearer to it than products that come later,
because their own differences chose its directions. So a known product stands for a later one only
in a space that its group had no part in.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import scipy.linalg

from shelfsort.training.rows import chunks

DIMENSIONS = 64
_LEAST_PARTS, _ROWS_OF_ALL_PARTS = 10, 10_000
"""The fewer rows there are, the more a missing part moves a space, and the less it costs."""
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

    def outside(self, features: np.ndarray) -> np.ndarray:
        """Squared distances from the space: (n, features) → (n,), at least 0."""
        centred = features - self.centre
        apart = (centred**2).sum(axis=1) - ((centred @ self.basis) ** 2).sum(axis=1)
        return np.maximum(apart, 0)


def outside_of_others(
    features: Features, groups: np.ndarray, chosen: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Distances of products from spaces that their own group had no part in.

    The groups are dealt into ten parts, or more where there are few products. A product is measured
    as one that comes later is, but for the part that is missing.

    Args:
        features: of the products.
        groups: (n,) ints of all products.
        chosen: (r,) rows that the spaces are fitted to.
        rows: (m,) rows to measure.

    Returns:
        (m,) float32 squared distances.
    """
    parts = max(_LEAST_PARTS, _ROWS_OF_ALL_PARTS // max(1, len(chosen)))
    # Groups are numbered by a hash, so these are random parts.
    part_of = np.unique(groups, return_inverse=True)[1] % parts
    dealt = range(min(parts, int(part_of.max(initial=0)) + 1))
    spaces = list(_spaces_of_others(features(chosen).astype(np.float64), part_of[chosen], dealt))
    found = np.zeros(len(rows), np.float32)
    for some in chunks(np.arange(len(rows))):
        seen, own = features(rows[some]), part_of[rows[some]]
        for part in np.unique(own):
            found[some[own == part]] = spaces[part].outside(seen[own == part])
    return found


def _spaces_of_others(
    rows: np.ndarray, part_of: np.ndarray, parts: Iterable[int]
) -> Iterator[Space]:
    """By part, the space of the others' rows.

    Products of rows are formed once, and taken apart for each space.
    """
    most = _directions(len(rows))
    few = len(rows) < rows.shape[1]
    products = rows @ rows.T if few else rows.T @ rows
    for part in parts:
        others = np.flatnonzero(part_of != part)
        if few:
            yield Space.of_products(rows[others], most, gram=products[np.ix_(others, others)])
        else:
            own = rows[part_of == part]
            yield Space.of_products(rows[others], most, moments=products - own.T @ own)


def outside_of_folds(
    features: Callable[[int, np.ndarray], np.ndarray],
    folds: np.ndarray,
    chosen: np.ndarray,
    rows: np.ndarray,
) -> np.ndarray:
    """The same where a backbone was tuned without each fold, and embeds all for that fold.

    A space is fitted to what the backbone was tuned on, as in a served model.

    Args:
        features: for a fold, the (m, features) of the products at (m,) rows.
        folds: (n,) ints of all products.
        chosen: (r,) rows that the spaces are fitted to.
        rows: (m,) rows to measure.

    Returns:
        (m,) float32 squared distances.
    """
    found = np.zeros(len(rows), np.float32)
    for fold in np.unique(folds[rows]).tolist():
        space = Space.of(features(fold, chosen[folds[chosen] != fold]))
        for places in chunks(np.flatnonzero(folds[rows] == fold)):
            found[places] = space.outside(features(fold, rows[places]))
    return found


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
