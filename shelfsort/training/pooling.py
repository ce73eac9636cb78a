"""Late fusion: a log-linear pool of the two towers, fitted on scores the towers never trained on.

A tower's scores on its own training products are too sure of themselves, the text tower's above
all; weights learnt there (or layers trained jointly) follow it and lose what the picture knows.
Cross-fitted scores are honest. The pool has an exponent for each tower and category, because a
picture that tells boots from hats may not tell rings from bangles. Log-linear pooling: Genest &
Zidek, "Combining probability distributions", Statistical Science 1986.
"""

import dataclasses

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

# How far a category's exponents and offset are thought to lie from the common ones: the standard
# deviation of a Gaussian prior. Categories with few products stay near the common exponents.
_PRIOR_DEVIATION = 0.5


@dataclasses.dataclass(frozen=True)
class Pool:
    """Exponents of the towers' probabilities, and offsets of the log-probabilities.

    Attributes:
        text, image: (K,) exponents by category.
        offset: (K,) added to the pooled logits.
    """

    text: np.ndarray
    image: np.ndarray
    offset: np.ndarray

    @classmethod
    def even(cls, categories: int) -> "Pool":
        """The pool that multiplies both towers' probabilities as they are."""
        return cls(np.ones(categories), np.ones(categories), np.zeros(categories))

    def logits(self, text_logits: np.ndarray, image_logits: np.ndarray) -> np.ndarray:
        """Pooled logits: two (n, K) arrays → (n, K)."""
        text, image = log_softmax(text_logits, axis=1), log_softmax(image_logits, axis=1)
        return self.text * text + self.image * image + self.offset

    def to_lists(self) -> dict[str, list[float]]:
        """The numbers as JSON types."""
        return {name: np.round(v, 6).tolist() for name, v in dataclasses.asdict(self).items()}


def fit_pool(
    text_logits: np.ndarray, image_logits: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> Pool:
    """The pool with the smallest weighted log loss, each category drawn towards the common one.

    Args:
        text_logits, image_logits: (n, K) held-out logits of products that have both.
        labels: (n,) ints in [0, K).
        weights: (n,) floats >= 0.

    Returns:
        The pool; `Pool.even(K)` where there is nothing to fit on.
    """
    categories = text_logits.shape[1]
    if not len(labels) or not weights.sum() > 0:
        return Pool.even(categories)
    text, image = log_softmax(text_logits, axis=1), log_softmax(image_logits, axis=1)
    common = _common_exponents(text, image, labels, weights)
    centre = np.repeat([*common, 0.0], categories)
    loss = _PenalisedLoss(text, image, labels, weights / weights.sum(), centre)
    best = minimize(loss, centre, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return Pool(*best.x.reshape(3, categories))


@dataclasses.dataclass(frozen=True)
class _PenalisedLoss:
    """Log loss and prior of (text, image, offset) exponents stacked as (3K,), with its gradient."""

    text: np.ndarray
    image: np.ndarray
    labels: np.ndarray
    shares: np.ndarray
    centre: np.ndarray

    def __call__(self, stacked: np.ndarray) -> tuple[float, np.ndarray]:
        a, b, offset = stacked.reshape(3, -1)
        logits = a * self.text + b * self.image + offset
        rows = np.arange(len(self.labels))
        loss = -np.sum(self.shares * log_softmax(logits, axis=1)[rows, self.labels])
        slope = softmax(logits, axis=1)
        slope[rows, self.labels] -= 1
        slope *= self.shares[:, None]
        gradient = np.concatenate(
            [(slope * self.text).sum(0), (slope * self.image).sum(0), slope.sum(0)]
        )
        precision = 1 / (_PRIOR_DEVIATION**2 * len(self.labels))
        away = stacked - self.centre
        return loss + precision * away @ away / 2, gradient + precision * away


def _common_exponents(
    text: np.ndarray, image: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """The two exponents, the same for every category, with the smallest weighted log loss."""
    rows = np.arange(len(labels))

    def loss(log_exponents: np.ndarray) -> float:
        a, b = np.exp(log_exponents)
        pooled = log_softmax(a * text + b * image, axis=1)
        return -np.average(pooled[rows, labels], weights=weights)

    best = minimize(loss, np.zeros(2), method="Nelder-Mead", bounds=[(-5, 3), (-5, 3)])
    return np.exp(best.x)
