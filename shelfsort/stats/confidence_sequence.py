"""Bounds of a share that hold after every day at once, however often one looks.

With a prior for the share that is fixed in advance, the probability of what was seen divided by its
probability under the true share is a non-negative martingale (Robbins, "Statistical methods related
to the law of the iterated logarithm", Annals of Mathematical Statistics 1970; Howard, Ramdas,
McAuliffe & Sekhon, Annals of Statistics 2021). By Ville's inequality the true share is among those
for which it stays below 1/alpha, on all days together, with a probability of at least 1 - alpha.
The share is taken to be the same on all days.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, xlog1py, xlogy

_HALVINGS = 50


def share_bounds(
    right: ArrayLike, wrong: ArrayLike, alpha: float, expected: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """The lower and upper bounds after each day.

    Args:
        right: (..., days) observations with the property.
        wrong: (..., days) observations without it.
        alpha: chance that a bound is ever wrong, in (0, 1).
        expected: share near which the bounds are narrow, in (0, 1); any other is covered as surely.

    Returns:
        Two float64 arrays of shape (..., days), in [0, 1]: 0 and 1 without observations.
    """
    if not 0 < alpha < 1 or not 0 < expected < 1:
        raise ValueError("alpha and the expected share are needed in (0, 1)")
    hits, misses = (np.cumsum(np.asarray(each, float), axis=-1) for each in (right, wrong))
    strength = 0.5 / min(expected, 1 - expected)
    a, b = strength * expected, strength * (1 - expected)
    least = betaln(a + hits, b + misses) - betaln(a, b) + np.log(alpha)
    n = hits + misses
    middle = np.divide(hits, n, out=np.full_like(n, 0.5), where=n > 0)

    def inside(share: np.ndarray) -> np.ndarray:
        return xlogy(hits, share) + xlog1py(misses, -share) > least

    def end(outside: float) -> np.ndarray:
        near, far = middle, np.full_like(middle, outside)
        for _ in range(_HALVINGS):
            half = (near + far) / 2
            kept = inside(half)
            near, far = np.where(kept, half, near), np.where(kept, far, half)
        return np.where(inside(np.full_like(middle, outside)), outside, far)

    return end(0.0), end(1.0)
