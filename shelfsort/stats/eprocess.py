"""Watches a share day after day: a test that may be looked at whenever one likes.

The null hypothesis is that each observation is right with at least the promised probability,
whatever came before. Against it stand bets on a higher rate of errors: the likelihood ratio of
such a rate is a non-negative supermartingale under the null hypothesis, and so is every average of
several (Ramdas, Grünwald, Vovk & Shafer, "Game-theoretic statistics and safe anytime-valid
inference", Statistical Science 2023). By Ville's inequality it ever reaches 1/alpha with a
probability of at most alpha. A confidence bound that is computed again each day has no such
property.

Half of the stake is bet from the first day. The other half is spread evenly over the days of the
horizon on which a fall may begin, so that good months do not hide it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

_TIMES_THE_ERRORS = (1.25, 1.5, 2.0, 3.0, 5.0, 8.0)
_MOST_ERRORS = 0.99
HORIZON_DAYS = 365
"""For so many days alpha holds; then a new test begins."""


def daily_e_values(
    right: ArrayLike, wrong: ArrayLike, promise: float, horizon: int = HORIZON_DAYS
) -> np.ndarray:
    """The e-value after each day: evidence against the promise, 1 for none.

    Args:
        right: (..., days) observations that were right; days without any count as well.
        wrong: (..., days) observations that were wrong.
        promise: share that is promised to be right, in (0, 1).
        horizon: days, at least as many as there are.

    Returns:
        (..., days) float64, at least 0. Alarm where one reaches 1/alpha.

    Raises:
        ValueError: a count is negative, there are more days than the horizon, or the promise is no
            share.
    """
    hits, errors = np.broadcast_arrays(np.asarray(right, float), np.asarray(wrong, float))
    days = hits.shape[-1]
    if not 0 < promise < 1 or days > horizon or (hits < 0).any() or (errors < 0).any():
        raise ValueError("counts of at most `horizon` days and a promise in (0, 1) are needed")
    rates = np.minimum(np.array(_TIMES_THE_ERRORS) * (1 - promise), _MOST_ERRORS)
    for_right, for_wrong = np.log((1 - rates) / promise), np.log(rates / (1 - promise))
    first = np.zeros((*hits.shape[:-1], len(rates)))
    later = np.full_like(first, -np.inf)
    values = np.empty(hits.shape)
    stake = np.log(1 / horizon)
    for day in range(days):
        gain = hits[..., day, None] * for_right + errors[..., day, None] * for_wrong
        first = first + gain
        later = np.logaddexp(later, stake) + gain
        waiting = (horizon - day - 1) / horizon
        with np.errstate(over="ignore"):
            begun = np.exp(np.logaddexp(first, later)).mean(axis=-1)
        values[..., day] = (begun + waiting) / 2
    return values


def e_benjamini_hochberg(e_values: Sequence[float], alpha: float) -> list[int]:
    """The hypotheses that are rejected, with a false discovery rate of at most alpha.

    The largest k of K e-values are rejected for the largest k of which the smallest reaches
    K / (k alpha) (Wang & Ramdas, "False discovery rate control with e-values", JRSS B 2022). It
    holds however the e-values depend on each other.

    Args:
        e_values: one of each hypothesis.
        alpha: in (0, 1).

    Returns:
        Places of the rejected, by falling e-value.
    """
    order = sorted(range(len(e_values)), key=lambda place: -e_values[place])
    last = 0
    for k, place in enumerate(order, start=1):
        if e_values[place] >= len(e_values) / (k * alpha):
            last = k
    return order[:last]
