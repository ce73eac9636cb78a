"""Exact binomial tests and bounds, of numbers or whole arrays.

Counts may be fractions: where products come in groups of variants, `design_effect` says how many
independent products they are worth, and the tests go by that many (Korn & Graubard 1998).
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import overload

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import betainc, betaincinv, btdtria

# A float for numbers, an array of the broadcast shape for arrays.
Shares = float | np.ndarray


@overload
def lower_bound(successes: float, n: float, confidence: float = ...) -> float: ...
@overload
def lower_bound(successes: ArrayLike, n: ArrayLike, confidence: float = ...) -> Shares: ...
def lower_bound(successes: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> Shares:
    """Exact one-sided lower bound of a share (Clopper & Pearson 1934); 0.0 for n = 0.

    Args:
        successes: 0 to `n`.
        n: trials, 0 or more.
        confidence: in (0, 1).

    Raises:
        ValueError: more successes than trials, or a confidence outside (0, 1).
    """
    k, n = _counts(successes, n)
    _check_share(confidence)
    some = k > 0
    bound = betaincinv(np.where(some, k, 1.0), np.where(some, n - k, 0.0) + 1, 1 - confidence)
    return _plain(np.where(some, bound, 0.0))


@overload
def upper_bound(successes: float, n: float, confidence: float = ...) -> float: ...
@overload
def upper_bound(successes: ArrayLike, n: ArrayLike, confidence: float = ...) -> Shares: ...
def upper_bound(successes: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> Shares:
    """Exact one-sided upper bound of a share; 1.0 for n = 0. Otherwise as `lower_bound`."""
    k, n = _counts(successes, n)
    return 1.0 - lower_bound(n - k, n, confidence)


@overload
def interval(successes: float, n: float, confidence: float = ...) -> tuple[float, float]: ...
@overload
def interval(
    successes: ArrayLike, n: ArrayLike, confidence: float = ...
) -> tuple[Shares, Shares]: ...
def interval(successes: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> tuple[Shares, Shares]:
    """Exact two-sided interval of a share, from two one-sided bounds; (0.0, 1.0) for n = 0."""
    each_side = 1 - (1 - confidence) / 2
    return lower_bound(successes, n, each_side), upper_bound(successes, n, each_side)


@overload
def shortfall_p_value(successes: float, n: float, target: float) -> float: ...
@overload
def shortfall_p_value(successes: ArrayLike, n: ArrayLike, target: float) -> Shares: ...
def shortfall_p_value(successes: ArrayLike, n: ArrayLike, target: float) -> Shares:
    """Chance of at most `successes` in `n` if the true share were `target`; 1.0 for n = 0.

    Raises:
        ValueError: more successes than trials, or a target outside (0, 1).
    """
    k, n = _counts(successes, n)
    return proof_p_value(n - k, n, 1 - target)


@overload
def proof_p_value(successes: float, n: float, target: float) -> float: ...
@overload
def proof_p_value(successes: ArrayLike, n: ArrayLike, target: float) -> Shares: ...
def proof_p_value(successes: ArrayLike, n: ArrayLike, target: float) -> Shares:
    """Chance of at least `successes` in `n` if the true share were `target`; 1.0 for n = 0.

    Raises:
        ValueError: more successes than trials, or a target outside (0, 1).
    """
    k, n = _counts(successes, n)
    _check_share(target)
    some = k > 0
    tail = betainc(np.where(some, k, 1.0), np.where(some, n - k, 0.0) + 1, target)
    return _plain(np.where(some, tail, 1.0))


def smallest_proof(target: float, confidence: float = 0.95) -> int:
    """How many products, all of them right, prove an accuracy of `target`: 59 for 0.95 at 95 %."""
    return math.ceil(math.log(1 - confidence) / math.log(target))


def errors_allowed(n: np.ndarray, target: float, confidence: float) -> np.ndarray:
    """Most errors with which `n` products still prove an accuracy of `target`.

    Args:
        n: float array, products; any shape, 0 or more.
        target: in (0, 1).
        confidence: of the proof, at least 0.5 and below 1.

    Returns:
        An int array of the same shape; -1 where even a flawless sample proves nothing.
    """
    most = int(np.max(n, initial=1.0) * (1 - target)) + 2
    needed = _products_needed(1 << most.bit_length(), target, confidence)
    return np.searchsorted(needed, n, side="right") - 1


@lru_cache(maxsize=64)
def _products_needed(most: int, target: float, confidence: float) -> np.ndarray:
    """How many products prove `target` with 0, 1, ... `most` - 1 errors among them, rising."""
    errors = np.arange(most)
    return errors + btdtria(1 - confidence, errors + 1.0, target)


def attained_bound(share: float, n: float, confidence: float = 0.95) -> float:
    """The `lower_bound` that a true share of `share` attains in `confidence` of the samples of `n`.

    It is the bound at the least number of successes that does not refute the share, so its distance
    from the share follows from `n` alone: 0.80 for 0.95 and 57 trials, 0.92 for 1,000.

    Args:
        share: in (0, 1).
        n: trials, 0 or more.
        confidence: of the bound and of attaining it, in (0, 1).
    """
    unlikely = 1 - confidence
    if shortfall_p_value(0.0, n, share) >= unlikely:
        return 0.0
    least = brentq(lambda successes: shortfall_p_value(successes, n, share) - unlikely, 0.0, n)
    return lower_bound(least, n, confidence)


def holm(p_values: Sequence[float], level: float) -> list[bool]:
    """Which hypotheses fall at family-wise error `level` (Holm 1979), in the order given."""
    rejected = [False] * len(p_values)
    for done, index in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[index] > level / (len(p_values) - done):
            break
        rejected[index] = True
    return rejected


def _counts(successes: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    k, n = np.asarray(successes, np.float64), np.asarray(n, np.float64)
    wrong = ~((k >= 0) & (k <= n))
    if wrong.any():
        first = [float(np.broadcast_to(each, wrong.shape)[wrong][0]) for each in (k, n)]
        raise ValueError("{:g} successes of {:g}".format(*first))
    return k, n


def _plain(values: np.ndarray) -> Shares:
    return values if values.ndim else float(values)


def _check_share(share: float) -> None:
    if not 0 < share < 1:
        raise ValueError(f"{share} lies outside (0, 1)")
