"""The classifier that a tuning starts from: a softmax regression on the pretrained embeddings.

A random one would at first send gradients through the network that say nothing.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from shelfsort.training.rows import Rows, evenly

_FITTED_ON = 10_000
# Variance of the prior of a weight, for embeddings of a variance of 1, times their width.
_PRIOR = 10.0
_ITERATIONS = 60


def fit_classifier(
    embeddings: Rows, rows: np.ndarray, labels: np.ndarray, weights: np.ndarray, categories: int
) -> tuple[np.ndarray, np.ndarray]:
    """The softmax regression with the smallest weighted log loss and L2 penalty.

    Args:
        embeddings: n of them.
        rows: (m,) to fit on.
        labels: (n,) ints in [0, K).
        weights: (n,) floats >= 0.
        categories: K.

    Returns:
        (embedding, K) float32 kernel and (K,) float32 bias.
    """
    rows = evenly(rows, _FITTED_ON)
    vectors = embeddings[rows].astype(np.float32)
    centre = vectors.mean(axis=0)
    spread = max(float((vectors - centre).std()), 1e-6)
    inputs = (vectors - centre) / spread
    targets = np.eye(categories, dtype=np.float32)[labels[rows]]
    share = (weights[rows] / max(weights[rows].sum(), 1e-9)).astype(np.float32)[:, None]
    penalty = inputs.shape[1] / _PRIOR / len(rows)

    def loss(stacked: np.ndarray) -> tuple[float, np.ndarray]:
        kernel = stacked.astype(np.float32).reshape(inputs.shape[1] + 1, categories)
        logs = log_softmax(inputs @ kernel[:-1] + kernel[-1], axis=1)
        errors = share * (np.exp(logs) - targets)
        slope = np.concatenate([inputs.T @ errors + penalty * kernel[:-1], errors.sum(0)[None]])
        value = -(share * targets * logs).sum() + penalty * (kernel[:-1] ** 2).sum() / 2
        return float(value), slope.astype(np.float64).reshape(-1)

    begin = np.zeros((inputs.shape[1] + 1) * categories)
    best = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS})
    found = best.x.reshape(inputs.shape[1] + 1, categories)
    kernel = found[:-1] / spread
    return kernel.astype(np.float32), (found[-1] - centre @ kernel).astype(np.float32)
