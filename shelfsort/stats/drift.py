"""Has a share changed since a reference? A test that may be looked at whenever one likes.

The null hypothesis is that the observations of the reference and of all later days have the same
share, whatever it is. The e-process compares the best share for all of them with an alternative
under which the share changed on some day:

    E = mixture(reference and days before the change) * alternative(days since) / max likelihood

For each share of the null hypothesis that is at most a non-negative martingale, because the
numerator is a probability of the sequence (universal inference: Wasserman, Ramdas & Balakrishnan,
PNAS 2020; Ramdas, Ruf, Larsson & Koolen, IJAR 2022). By Ville's inequality it ever reaches 1/alpha
with a probability of at most alpha. The size of the reference and of every day is part of it, so a
small reference or a small day gives little evidence and no false alarm.

Half of the stake is on a change before the first day. The other half is spread evenly over the
days of the horizon. After a change the share is a multiple of what it was, or what it has been
lately; a hundredth of the stake moves between these each day (fixed share: Herbster & Warmuth,
Machine Learning 1998).
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, logsumexp, xlogy

from shelfsort.stats.eprocess import HORIZON_DAYS

_TIMES_THE_ODDS = (0.1, 0.25, 0.5, 0.75, 1.3333, 2.0, 4.0, 10.0)
_KEPT_OF_LATELY = 0.95
_MOVES = 0.01
_MOST_LOG = 700.0
_DIVISORS = np.geomspace(1, 100, 93)


def drift_e_values(
    reference_yes: ArrayLike,
    reference_n: ArrayLike,
    yes: ArrayLike,
    n: ArrayLike,
    *,
    kinds: int = 2,
    dispersion: float = 1.0,
    horizon: int = HORIZON_DAYS,
) -> np.ndarray:
    """The e-value after each day: evidence that a share is not that of the reference.

    Args:
        reference_yes: (...) observations of the reference with the property.
        reference_n: (...) observations of the reference.
        yes: (..., days) observations of each day with the property.
        n: (..., days) observations of each day.
        kinds: how many properties there are that exclude each other, such as categories; 2 for a
            property and its absence. It says where a share is expected.
        dispersion: how much more days vary than independent observations do, at least 1; see
            `overdispersion`.
        horizon: days, at least as many as there are.

    Returns:
        (..., days) float64, at least 0. Alarm where one reaches 1/alpha.

    Raises:
        ValueError: a count is not from 0 to n, there are more days than the horizon, or the
            dispersion is less than 1.
    """
    had, of = np.asarray(reference_yes, float)[..., None], np.asarray(reference_n, float)[..., None]
    new, every = np.broadcast_arrays(np.asarray(yes, float), np.asarray(n, float))
    days = new.shape[-1]
    wrong = (new < 0).any() or (new > every).any() or (had < 0).any() or (had > of).any()
    if wrong or days > horizon or dispersion < 1:
        raise ValueError("counts from 0 to n of at most `horizon` days are needed")
    a, b = 0.5, (kinds - 1) / 2
    odds = (a + had) / (b + of - had) * np.array(_TIMES_THE_ODDS)
    none = np.zeros((*new.shape[:-1], 1))
    seen = had + np.concatenate([none, np.cumsum(new, axis=-1)], axis=-1)
    all_ = of + np.concatenate([none, np.cumsum(every, axis=-1)], axis=-1)
    unchanged = betaln(a + seen, b + all_ - seen) - betaln(a, b)
    best = xlogy(seen, seen) + xlogy(all_ - seen, all_ - seen) - xlogy(all_, all_)
    lately = np.stack(np.broadcast_arrays(a + had, b + of - had), axis=-1)[..., 0, :]
    begun = np.full((*unchanged.shape[:-1], odds.shape[-1] + 1), -np.inf)
    begun = np.logaddexp(begun, unchanged[..., :1] - np.log(2))
    stake = -np.log(2 * horizon)
    values = np.empty((*unchanged.shape[:-1], days))
    for day in range(days):
        y, x = new[..., day], (every - new)[..., day]
        tried = np.concatenate([odds, (lately[..., :1] / lately[..., 1:])], axis=-1)
        gain = y[..., None] * np.log(tried / (1 + tried)) - x[..., None] * np.log1p(tried)
        begun = np.logaddexp(_moved(begun), stake + unchanged[..., day, None]) + gain
        changed = _log_mean(begun)
        waiting = np.log((horizon - day - 1) / (2 * horizon)) if day + 1 < horizon else -np.inf
        whole = np.logaddexp(changed, waiting + unchanged[..., day + 1]) - best[..., day + 1]
        values[..., day] = np.exp(np.minimum(whole / dispersion, _MOST_LOG))
        lately = _KEPT_OF_LATELY * lately + np.stack([y, x], axis=-1)
    return values


def _moved(begun: np.ndarray) -> np.ndarray:
    """After a part of each stake was spread over all."""
    return np.logaddexp(np.log1p(-_MOVES) + begun, np.log(_MOVES) + _log_mean(begun)[..., None])


def _log_mean(logs: np.ndarray) -> np.ndarray:
    return logsumexp(logs, axis=-1) - np.log(logs.shape[-1])


def overdispersion(counts: ArrayLike) -> float:
    """How much more the days of a table vary than independent observations do.

    Bets on each day and kind, against the other days and for every multiple of the odds that
    `drift_e_values` tries, win nothing on average where observations are independent. Where
    products arrive in batches of the same kind, the logarithm of the bets has to be divided by a
    number for that, about as large as a batch. What it has above 1 is doubled, because a few days
    show no large batches such as a year will bring.

    Args:
        counts: (days, kinds) of kinds that exclude each other.

    Returns:
        From 1 to 200; 1 where there is nothing to compare.
    """
    table = np.asarray(counts, float)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return 1.0
    n = table.sum(axis=1, keepdims=True)
    others, all_others = table.sum(axis=0) - table, table.sum() - n
    odds = (others + 0.5) / (all_others - others + (table.shape[1] - 1) / 2)
    gains = np.stack(
        [
            table * np.log(times) - n * (np.log1p(times * odds) - np.log1p(odds))
            for times in _TIMES_THE_ODDS
        ]
    )
    needed = next(
        (
            float(divisor)
            for divisor in _DIVISORS
            if np.exp(np.minimum(gains / divisor, _MOST_LOG)).mean(axis=(1, 2)).max() <= 1
        ),
        float(_DIVISORS[-1]),
    )
    return 2 * needed - 1
