"""Feeds the towers from disk, a batch at a time."""

import keras
import numpy as np

from shelfsort.training.dataset import Products


class Batches(keras.utils.PyDataset):
    """Batches of inputs, targets and weights for `fit`.

    A tower learns nothing from what it cannot see: its weights are 0 there.

    Args:
        products: that the batches are read from.
        weights: (n,) float32 of all products.
        rows: of the products to take.
        batch_size: products a batch; the last may have fewer.
        shuffled_by: seed of the order, a new one every epoch; None keeps the order of `rows`.
    """

    def __init__(
        self,
        products: Products,
        weights: np.ndarray,
        rows: np.ndarray,
        batch_size: int,
        shuffled_by: int | None = None,
    ):
        super().__init__()
        self._products = products
        self._weights = weights
        self._rows = rows.copy()
        self._batch_size = batch_size
        self._chance = None if shuffled_by is None else np.random.default_rng(shuffled_by)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch_size)

    def __getitem__(self, number: int) -> tuple[dict, dict, dict]:
        start = number * self._batch_size
        rows = self._rows[start : start + self._batch_size]
        weights = {
            "text": self._weights[rows] * self._products.has_text[rows],
            "image": self._weights[rows] * self._products.has_image[rows],
        }
        labels = dict.fromkeys(weights, self._products.labels[rows])
        return self._products.tower_inputs(rows), labels, weights

    def on_epoch_end(self) -> None:
        if self._chance is not None:
            self._chance.shuffle(self._rows)
