"""Temperature scaling: makes a score of 0.9 mean right nine times in ten."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

TEMPERATURE_RANGE = (0.05, 20.0)


def softmax(logits: ArrayLike, temperature: float = 1.0) -> np.ndarray:
    """Probabilities of `logits / temperature`.

    Args:
        logits: float array of shape (N, K).
        temperature: above 0; above 1 makes the model less sure of itself.

    Returns:
        float64 array of shape (N, K); every row adds up to 1.

    Raises:
        ValueError: `temperature` is not positive.
    """
    return np.exp(_log_softmax(logits, temperature))


def fit_temperature(
    logits: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """The temperature with the least negative log likelihood (Guo et al. 2017, section 4.2).

    The likelihood has one minimum in log-temperature, so a bounded search finds it.

    Args:
        logits: float array of shape (N, K).
        labels: int array of shape (N,), the column that is right, 0 to K - 1.
        weights: float array of shape (N,), 0 or more; None weighs all products alike.

    Returns:
        A temperature in `TEMPERATURE_RANGE`; 1.0 where there is nothing to fit on.

    Raises:
        ValueError: shapes disagree, a label is no column, or a number is not finite.
    """
    logits = np.asarray(logits, dtype=np.float64)
    labels = np.asarray(labels, dtype=np.int64)
    weights = np.ones(len(labels)) if weights is None else np.asarray(weights, dtype=np.float64)
    if len(labels) == 0 or weights.sum() <= 0:
        return 1.0
    _check_problem(logits, labels, weights)
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        log_probabilities = _log_softmax(logits, float(np.exp(log_temperature)))
        return float(-np.average(log_probabilities[rows, labels], weights=weights))

    bounds = np.log(TEMPERATURE_RANGE)
    found = minimize_scalar(loss, bounds=tuple(bounds), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def _log_softmax(logits: ArrayLike, temperature: float) -> np.ndarray:
    if not temperature > 0:
        raise ValueError(f"the temperature must be above 0, not {temperature}")
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    return scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))


def _check_problem(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> None:
    if logits.ndim != 2 or not len(logits) == len(labels) == len(weights):
        raise ValueError(
            f"logits {logits.shape}, labels {labels.shape}, weights {weights.shape}: "
            "one row of logits, one label and one weight a product"
        )
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(f"a label is none of the {logits.shape[1]} columns")
    if not (np.isfinite(logits).all() and np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError("logits must be finite, weights finite and not negative")
