"""How many labelled products would prove a target accuracy: a learning curve, and its projection.

Held-out answers of models that were fitted on a quarter, on half and on all of the labels show how
fast more labels make answers better. Their error follows a power law, `scale * labels^-exponent`
(Cortes et al., "Learning curves: asymptotic values and rate of convergence", 1994; Hestness et al.,
"Deep learning scaling is predictable, empirically", 2017). More labels help twice: answers improve,
and there are more products to prove a target with.

The projection takes the risk-coverage curve of the present answers (Geifman & El-Yaniv 2017): the
error among the share of products with the highest scores. It lets that error fall by the power law,
and asks for the smallest number of labels at which an exact binomial test would prove the target on
some share with a power of 80 %, as in the planning of experiments (Cohen 1988). Groups of variants
are redrawn for an interval (Davison & Hinkley 1997, section 3.8).

It is an extrapolation: it does not know a floor that mislabelled products put under the error, and
products that are labelled from now on may differ. Beyond `FARTHEST` times the labels it says
nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shelfsort.stats.binomial import proof_p_value

FARTHEST = 16.0
"""Factor of the labels beyond which nothing is projected."""

POWER_QUANTILE = 0.8416
"""Quantile of the normal distribution at a power of 80 %."""

_STEP = 1.05
"""Factor between two numbers of labels that are tried."""

_SHARES = np.arange(2, 21) / 20
_DRAWS = 200
_SEED = 31
_LEVEL = 0.9
_PRIOR = 5.0


@dataclass(frozen=True)
class Point:
    """Held-out answers of models that were fitted on one number of labelled products.

    Attributes:
        labels: labelled products behind the models, above 0.
        scores: float array of shape (N,), of the predictions.
        correct: bool array of shape (N,).
        groups: int array of shape (N,), equal for variants of one product, in all points alike.
    """

    labels: int
    scores: np.ndarray
    correct: np.ndarray
    groups: np.ndarray

    @property
    def accuracy(self) -> float:
        """Share of right ones; NaN without products."""
        return float(np.mean(self.correct)) if len(self.correct) else math.nan


@dataclass(frozen=True)
class PowerLaw:
    """The error at a number of labels: `scale * labels ** -exponent`.

    Attributes:
        scale: error at one label, at least 0; may exceed 1.
        exponent: 0 to 1.
    """

    scale: float
    exponent: float

    def error(self, labels: float) -> float:
        """The expected error, at most 1."""
        return min(1.0, self.scale * labels**-self.exponent)


@dataclass(frozen=True)
class Estimate:
    """A projected number and where it lies in the middle 90 % of redraws.

    Attributes:
        value: None where it is not within `FARTHEST` times the present labels.
        low, high: the same of the redraws.
    """

    value: float | None
    low: float | None
    high: float | None


def fit_power_law(
    labels: Sequence[float], errors: Sequence[float], products: Sequence[float]
) -> PowerLaw:
    """The likeliest power law of error counts (Poisson regression with a logarithmic link).

    The exponent is kept within 0 to 1: no more labels make answers worse in the long run, and a
    steeper fall than 1/n is a chance of few errors.

    Args:
        labels: labelled products behind each model; two different numbers at least.
        errors: wrong answers of each model, may be fractions.
        products: answers of each model, above 0.
    """
    x, k, n = (np.asarray(each, np.float64) for each in (np.log(labels), errors, products))
    if not k.sum():
        return PowerLaw(0.0, 0.0)

    def scale(exponent: float) -> float:
        return float(k.sum() / (n * np.exp(-exponent * x)).sum())

    def slope(exponent: float) -> float:
        """Of the log-likelihood; it falls with the exponent, for the likelihood is concave."""
        return float((x * (scale(exponent) * n * np.exp(-exponent * x) - k)).sum())

    low, high = 0.0, 1.0
    if slope(low) <= 0:
        high = low
    elif slope(high) >= 0:
        low = high
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return PowerLaw(scale(low), low)


@dataclass(frozen=True)
class Goal:
    """What has to be proven, and with how much evidence.

    Attributes:
        target: accuracy, in (0, 1).
        confidence: of the proof, in (0, 1).
        evidence: independent held-out products that a labelled product is worth, above 0: below 1
            where variants share labels, or where only a part of the labels is evidence.
        decidable: share of the products that may be accepted whatever their score is, in (0, 1]:
            below 1 where a check for unknown products withholds some.
    """

    target: float
    confidence: float = 0.95
    evidence: float = 1.0
    decidable: float = 1.0


def provable_share(errors: np.ndarray, products: float, goal: Goal, quantile: float = 0.0) -> float:
    """The largest share of products on which the target would be proven.

    Args:
        errors: (19,) error among the 10 %, 15 %, … 100 % of products with the highest scores.
        products: independent held-out products that may be accepted.
        goal: what has to be proven.
        quantile: of the normal distribution: 0.0 for the expected number of errors,
            `POWER_QUANTILE` for one that is exceeded once in five times.

    Returns:
        0.0 where it is on none.
    """
    n = _SHARES * products
    wrong = errors * n + quantile * np.sqrt(n * errors * (1 - errors))
    right = n - np.minimum(wrong, n)
    proven = np.asarray(proof_p_value(right, n, goal.target)) <= 1 - goal.confidence
    return goal.decidable * float(_SHARES[proven].max(initial=0.0))


def proven_coverage(point: Point, goal: Goal) -> float:
    """The share of products on which so many labels would prove the target, as expected."""
    errors = _share_errors(point, np.ones(len(point.scores)))
    return provable_share(errors, goal.evidence * point.labels, goal)


@dataclass(frozen=True)
class Projection:
    """What more labels would bring.

    Attributes:
        labels: smallest number of labels that proves the target on some share of the products.
        coverage: by factor of the present labels, the share on which they would prove it.
        exponent: of the power law of the error.
    """

    labels: Estimate
    coverage: dict[float, Estimate]
    exponent: float


def project(
    points: Sequence[Point], goal: Goal, factors: Sequence[float] = (2.0, 4.0)
) -> Projection:
    """Projects the learning curve beyond the present labels.

    Args:
        points: by rising number of labels, the last of them the present one; at least two, each
            with products.
        goal: what has to be proven.
        factors: of the present labels, up to `FARTHEST`: to project the coverage at.
    """
    groups = np.unique(np.concatenate([each.groups for each in points]))
    places = [np.searchsorted(groups, each.groups) for each in points]
    everything = [np.ones(len(each.scores)) for each in points]
    value, law = _projected(points, everything, goal, factors)
    rng = np.random.default_rng(_SEED)
    redrawn = []
    for _ in range(_DRAWS):
        times = np.bincount(rng.integers(0, len(groups), len(groups)), minlength=len(groups))
        drawn = [times[each].astype(np.float64) for each in places]
        if all(each.sum() for each in drawn):
            redrawn.append(_projected(points, drawn, goal, factors)[0])
    columns = [np.array(column) for column in zip(*redrawn, strict=True)]
    labels, *coverage = [
        _estimate(each, column) for each, column in zip(value, columns, strict=True)
    ]
    return Projection(labels, dict(zip(factors, coverage, strict=True)), law.exponent)


def neediest(
    labels: np.ndarray, correct: np.ndarray, categories: int, most: int
) -> list[tuple[int, float]]:
    """The categories whose next label is worth most, with their error.

    By the power law, a label takes `exponent * error / labels` off the error of its category. The
    number of products that are decided wrong in turn goes by the category's share, so the worth of
    a label goes by the error itself. The error of a category with few products is drawn to that of
    all of them, as if five average products were added (additive smoothing).

    Args:
        labels: int array of shape (N,), places of the labels; below 0 for none of them.
        correct: bool array of shape (N,).
        categories: K.
        most: how many to name.

    Returns:
        (place, smoothed error), the largest error first; categories without an error are left out.
    """
    known = labels >= 0
    n = np.bincount(labels[known], minlength=categories)
    wrong = np.bincount(labels[known], ~correct[known], minlength=categories)
    overall = wrong.sum() / max(n.sum(), 1)
    error = (wrong + _PRIOR * overall) / (n + _PRIOR)
    ranked = sorted(np.flatnonzero(wrong), key=lambda place: (-error[place], place))
    return [(int(place), float(error[place])) for place in ranked[:most]]


def _share_errors(point: Point, times: np.ndarray) -> np.ndarray:
    """(19,) error among the surest shares of products, each as often as it was drawn.

    Smoothed by Laplace's rule of succession: ten products without an error are no proof that there
    is none, and the best of many shares is chosen.
    """
    order = np.argsort(-point.scores, kind="stable")
    drawn = np.cumsum(times[order])
    wrong = np.cumsum(times[order] * ~point.correct[order])
    last = np.minimum(np.searchsorted(drawn, _SHARES * drawn[-1] - 1e-9), len(drawn) - 1)
    return (wrong[last] + 1) / (drawn[last] + 2)


def _projected(
    points: Sequence[Point], drawn: Sequence[np.ndarray], goal: Goal, factors: Sequence[float]
) -> tuple[list[float], PowerLaw]:
    """Labels needed (infinite beyond `FARTHEST`), then the coverage at each factor."""
    now, times = points[-1], drawn[-1]
    law = fit_power_law(
        [each.labels for each in points],
        [float(n[~each.correct].sum()) for each, n in zip(points, drawn, strict=True)],
        [float(n.sum()) for n in drawn],
    )
    errors = _share_errors(now, times)

    def share(factor: float, quantile: float) -> float:
        fallen = errors * factor**-law.exponent
        return provable_share(fallen, goal.evidence * now.labels * factor, goal, quantile)

    tried = (_STEP**step for step in range(1, math.ceil(math.log(FARTHEST, _STEP))))
    needed = next((each for each in tried if share(each, POWER_QUANTILE) > 0), math.inf)
    return [needed * now.labels, *(share(each, 0.0) for each in factors)], law


def _estimate(value: float, redrawn: np.ndarray) -> Estimate:
    low, high = np.quantile(redrawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], method="nearest")
    return Estimate(*(float(each) if math.isfinite(each) else None for each in (value, low, high)))
