"""Late fusion: a log-linear pool of the two towers, fitted on scores the towers never trained on.

A tower's scores on its own training products are too sure of themselves, the text tower's above
all; weights learnt there (or layers trained jointly) follow it and lose what the picture knows.
Cross-fitted scores are honest, and two numbers are enough for what they say. Log-linear pooling:
Genest & Zidek, "Combining probability distributions", Statistical Science 1986.
"""

import dataclasses

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax


@dataclasses.dataclass(frozen=True)
class Pool:
    """Exponents of the towers' probabilities; both > 0."""

    text: float = 1.0
    image: float = 1.0

    def logits(self, text_logits: np.ndarray, image_logits: np.ndarray) -> np.ndarray:
        """Pooled logits: two (n, K) arrays → (n, K)."""
        return self.text * log_softmax(text_logits, axis=1) + self.image * log_softmax(
            image_logits, axis=1
        )


def fit_pool(
    text_logits: np.ndarray, image_logits: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> Pool:
    """The exponents with the smallest weighted log loss.

    Args:
        text_logits, image_logits: (n, K) held-out logits of products that have both.
        labels: (n,) ints in [0, K).
        weights: (n,) floats >= 0.

    Returns:
        The pool; `Pool()` where there is nothing to fit on.
    """
    if not len(labels) or not weights.sum() > 0:
        return Pool()
    text, image = log_softmax(text_logits, axis=1), log_softmax(image_logits, axis=1)
    rows = np.arange(len(labels))

    def loss(log_exponents: np.ndarray) -> float:
        a, b = np.exp(log_exponents)
        pooled = log_softmax(a * text + b * image, axis=1)
        return -np.average(pooled[rows, labels], weights=weights)

    best = minimize(loss, np.zeros(2), method="Nelder-Mead", bounds=[(-5, 3), (-5, 3)])
    return Pool(*map(float, np.exp(best.x)))
