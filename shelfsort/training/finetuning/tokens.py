"""What the tuning of an encoder sees: vectors of the tokens of texts, after its frozen layers."""

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from shelfsort.core.progress import progress
from shelfsort.training.finetuning.contents import Contents
from shelfsort.training.finetuning.inputs import Examples, Order, learnt_batches
from shelfsort.training.rows import RowFile

if TYPE_CHECKING:
    from shelfsort.training.encoders.encoder import TextEncoder

_BATCH = 64


class TokenVectors:
    """Vectors of the tokens of n texts, in 16 bits, in a temporary file.

    Attributes:
        size: numbers of one vector.
        lengths: (n,) tokens of each text; 0 for none.

    Args:
        encoder: as pretrained.
        texts: of n products.
        layers: number of its first layers that the tokens go through.
    """

    def __init__(self, encoder: "TextEncoder", texts: Contents, layers: int):
        self.size = encoder.embedding_size
        self._file = RowFile(np.dtype((np.float16, (self.size,))))
        self.lengths = np.zeros(len(texts), np.int64)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
        def vectors(some: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            ids = encoder.ids(some)
            return encoder.transformer.vectors(ids, layers), ids.row_lengths()

        rows = np.flatnonzero([bool(digest) for digest in texts.digests])
        for start in range(0, len(rows), _BATCH):
            some = rows[start : start + _BATCH]
            found, self.lengths[some] = vectors(tf.constant(texts.some(some)))
            self._file.append(found.numpy().astype(np.float16))
            progress(start + len(some), len(rows), "texts put through the first layers")
        self._ends = np.cumsum(self.lengths)

    def padded(self, rows: np.ndarray) -> np.ndarray:
        """(m, longest, size) float32 of the texts at (m,) `rows`; rows of zeros are padding."""
        lengths = self.lengths[rows]
        given = np.arange(lengths.max()) < lengths[:, None]
        places = (self._ends[rows] - lengths)[:, None] + np.arange(lengths.max())
        found = np.zeros((*given.shape, self.size), np.float32)
        found[given] = self._file[places[given]]
        return found


def token_batches(
    examples: Examples, vectors: TokenVectors, order: Order, smoothing: float, after: int = 0
) -> tf.data.Dataset:
    """Batches of (m, longest, size) float32 with targets, for the steps that are left.

    Args:
        examples: to learn from.
        vectors: of their tokens.
        order: of the steps.
        smoothing: of labels.
        after: steps already taken.
    """

    def padded(rows: tf.Tensor) -> tf.Tensor:
        found = tf.numpy_function(vectors.padded, [rows], tf.float32, stateful=False)
        return tf.ensure_shape(found, [None, None, vectors.size])

    batches = tf.data.Dataset.from_tensor_slices(order.rows[after:]).map(
        tf.autograph.experimental.do_not_convert(padded), num_parallel_calls=tf.data.AUTOTUNE
    )
    return learnt_batches(batches, lambda found, _: found, examples, order, (0.0, smoothing), after)
