"""Multinomial logistic regression on several blocks of features, sparse and dense ones together.

The objective is that of scikit-learn's LogisticRegression. That takes one matrix, and words beside
embeddings in one sparse matrix cost ten times as much.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import log_softmax

Block = Any
"""An (n, width) float array, or a csr_matrix."""


@dataclasses.dataclass(frozen=True)
class Linear:
    """A fitted regression.

    Attributes:
        kernels: a (features, K) float32 array for each block.
        bias: (K,) float32.
    """

    kernels: Sequence[np.ndarray]
    bias: np.ndarray

    def logits(self, blocks: Sequence[Block]) -> np.ndarray:
        """(n, K) float32 logits of n rows in each block."""
        products = (block @ kernel for block, kernel in zip(blocks, self.kernels, strict=True))
        return np.asarray(sum(products, self.bias), np.float32)

    @property
    def size(self) -> int:
        """Bytes of the numbers."""
        return self.bias.nbytes + sum(kernel.nbytes for kernel in self.kernels)


def fit_linear(
    blocks: Sequence[Block], labels: np.ndarray, classes: int, *, c: float, steps: int
) -> Linear:
    """Minimises `c` times the summed log loss, plus half the squared kernels, by L-BFGS.

    Args:
        blocks: of n rows each.
        labels: (n,) ints in [0, classes).
        classes: K.
        c: inverse of the regularisation, as in scikit-learn; the bias is not regularised.
        steps: at most so many.
    """
    n, widths = len(labels), [block.shape[1] for block in blocks]
    transposed = [block.T.tocsr() if isinstance(block, csr_matrix) else block.T for block in blocks]
    rows = np.arange(n)

    def unpacked(flat: np.ndarray) -> Linear:
        parts = np.split(flat.reshape(-1, classes).astype(np.float32), np.cumsum(widths))
        return Linear(parts[:-1], parts[-1][0])

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        log_probabilities = log_softmax(unpacked(flat).logits(blocks), axis=1)
        total = -float(log_probabilities[rows, labels].sum(dtype=np.float64)) / n
        slope = np.exp(log_probabilities)
        slope[rows, labels] -= 1
        slope /= n
        kernels = flat[: -classes or None]
        gradient = np.concatenate(
            [*(np.asarray(each @ slope).ravel() for each in transposed), slope.sum(axis=0)]
        ).astype(np.float64)
        gradient[:-classes] += kernels / (c * n)
        return total + float(kernels @ kernels) / (2 * c * n), gradient

    start = np.zeros((sum(widths) + 1) * classes)
    options = {"maxiter": steps, "ftol": 1e-7, "gtol": 1e-6}
    return unpacked(minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x)
