"""Exact binomial bounds (Clopper and Pearson, Biometrika 26, 1934)."""

import numpy as np
from scipy.special import betaincinv


def lower_bound(successes: np.ndarray, trials: np.ndarray, confidence: float = 0.95) -> np.ndarray:
    """One-sided lower bound of a proportion.

    Args:
        successes: int array of any shape, 0 <= successes <= trials.
        trials: int array of the same shape.
        confidence: in (0, 1).

    Returns:
        float array of the same shape, in [0, 1]; 0 where there were no successes.
    """
    successes, trials = np.asarray(successes, float), np.asarray(trials, float)
    some = successes > 0
    bound = betaincinv(
        np.where(some, successes, 1.0), np.where(some, trials - successes + 1, 1.0), 1 - confidence
    )
    return np.where(some, bound, 0.0)


def interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """Two-sided interval of a proportion, or None without trials."""
    if trials == 0:
        return None
    one_sided = 1 - (1 - confidence) / 2
    low = float(lower_bound(successes, trials, one_sided))
    high = 1 - float(lower_bound(trials - successes, trials, one_sided))
    return low, high
