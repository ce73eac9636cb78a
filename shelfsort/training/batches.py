"""The order in which a fit takes its products, and a batch's words as a sparse matrix."""

from collections.abc import Iterator

import numpy as np

from shelfsort.training.dataset import Products


class Batches:
    """Row numbers of the products of a fit, a batch at a time, in another order each pass.

    Args:
        rows: of the products to take.
        batch_size: products a batch; the last of a pass may have fewer.
        passes: over the rows.
        seed: of the orders.
    """

    def __init__(self, rows: np.ndarray, batch_size: int, passes: int, seed: int):
        self._rows = rows
        self._batch_size = batch_size
        self._passes = passes
        self._seed = seed

    @property
    def a_pass(self) -> int:
        """Batches in one pass."""
        return -(-len(self._rows) // self._batch_size)

    def __len__(self) -> int:
        return self._passes * self.a_pass

    def __iter__(self) -> Iterator[np.ndarray]:
        chance = np.random.default_rng(self._seed)
        for _ in range(self._passes):
            order = chance.permutation(self._rows)
            for start in range(0, len(order), self._batch_size):
                yield order[start : start + self._batch_size]


def sparse_terms(
    products: Products, rows: np.ndarray, starts: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words, pieces and prices of products, as the entries of a sparse matrix.

    Args:
        products: that hold them.
        rows: (m,) of the products to take.
        starts: rows of the tables of words, pieces and prices in one table of all.

    Returns:
        (t,) int32 places in `rows`, (t,) int32 rows of the table of all, and (t,) float32 weights.
    """
    inputs = products.tower_inputs(rows)
    prices = inputs["price_bucket"][:, None]
    ids = (inputs["word_ids"], inputs["piece_ids"], prices)
    weights = (inputs["word_weights"], inputs["piece_weights"], np.ones(prices.shape, np.float32))
    given = np.concatenate(ids, axis=1) > 0
    table_rows = np.concatenate([own + start for own, start in zip(ids, starts, strict=True)], 1)
    places = np.nonzero(given)[0].astype(np.int32)
    return places, table_rows[given], np.concatenate(weights, axis=1)[given]
