"""Puts measures of how strange a product looks on one scale, that of products known to belong.

Each measure is standardised by the known products' mean and deviation, and the results are added,
each with its factor.
The sum's place among those of the known products, divided by one more than there are, is the
unknown score. So a score above 1 - a is a false alarm for a share `a` of further known products,
however few were known: one minus the conformal p-value of Bates et al., "Testing for outliers with
conformal p-values", Annals of Statistics 2023.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST = 20
"""Known products that a scale takes at least; with fewer, nothing counts as unknown."""

# A measure that hardly differs among known products must not turn rounding into strangeness.
_LEAST_DEVIATION = 0.01
_KNOTS = 1001
_NEVER = 1e30

TIE = 1e-3
"""Sums this close to each other count as equal: what is as strange as many is no stranger."""


@dataclass(frozen=True)
class Scale:
    """From the measures of a product to its unknown score.

    Attributes:
        centre: (measures,) means of the known products.
        weights: (measures,) the measures' factors in standard deviations of the known products; 0
            leaves a measure out.
        knots: (1001,) rising sums, at scores from 0 to 1; see `_knots_of`.
    """

    centre: np.ndarray
    weights: np.ndarray
    knots: np.ndarray

    def sums(self, measures: np.ndarray) -> np.ndarray:
        """Sums of the standardised measures: (n, measures) → (n,)."""
        return ((measures - self.centre) * self.weights).sum(axis=1)

    def scores(self, measures: np.ndarray) -> np.ndarray:
        """Unknown scores in [0, 1]: (n, measures) → (n,)."""
        ranks = np.linspace(0, 1, len(self.knots))
        return np.interp(self.sums(measures) - TIE, self.knots, ranks)


def fit_scale(measures: np.ndarray, factors: Sequence[float]) -> Scale:
    """The scale of known products; one on which nothing is unknown where they are too few.

    Args:
        measures: (n, measures) finite floats; more is stranger.
        factors: of the standardised measures in the sum; 0 leaves one out.
    """
    columns = measures.shape[1]
    if len(measures) < FEWEST:
        return Scale(np.zeros(columns), np.zeros(columns), np.full(_KNOTS, _NEVER))
    deviation = measures.std(axis=0)
    weights = np.asarray(factors) / np.maximum(deviation, _LEAST_DEVIATION)
    scale = Scale(np.where(weights > 0, measures.mean(axis=0), 0.0), weights, np.zeros(0))
    return Scale(scale.centre, weights, _knots_of(scale.sums(measures)))


def _knots_of(sums: np.ndarray) -> np.ndarray:
    """(n,) sums of known products → (1001,) sums, above which a score exceeds 0, 0.001, … 1.

    A further known product exceeds the k-th of n in (n + 1 - k) / (n + 1) of all cases. Between
    these, the sums are interpolated (Weibull's plotting positions). Above the n-th nothing is said.
    """
    scores = np.linspace(0, 1, _KNOTS)
    knots = np.quantile(sums, scores, method="weibull")
    return np.where(scores > len(sums) / (len(sums) + 1), _NEVER, knots)
