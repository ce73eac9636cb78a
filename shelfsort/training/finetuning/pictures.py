"""Encoded pictures by the row of their product, on disk."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from shelfsort.training.dataset import record_batches
from shelfsort.training.finetuning.contents import Contents
from shelfsort.training.images import decode_picture


class Pictures(Contents):
    """Encoded pictures of n products."""

    @classmethod
    def of_records(cls, files: Sequence[str]) -> "Pictures":
        """Those of gzipped files of raw tf.Examples, in the order of `dataset.read_products`."""
        spec = {"image": tf.io.FixedLenFeature([], tf.string, default_value=b"")}
        batches = record_batches(files).map(
            tf.autograph.experimental.do_not_convert(
                lambda records: tf.io.parse_example(records, spec)["image"]
            )
        )
        return cls(each for batch in batches.as_numpy_iterator() for each in batch)

    def squares(self, rows: np.ndarray, side: int) -> tf.data.Dataset:
        """Decoded pictures as the backbone sees them, in another size.

        Args:
            rows: (m,) products that have a picture.
            side: of the squares, in pixels.

        Returns:
            m elements of (side, side, 3) uint8, in order.
        """

        def decoded(row: tf.Tensor) -> tf.Tensor:
            encoded = tf.numpy_function(self.__getitem__, [row], tf.string, stateful=False)
            return decode_picture(tf.ensure_shape(encoded, []), side)

        return tf.data.Dataset.from_tensor_slices(rows).map(
            tf.autograph.experimental.do_not_convert(decoded), num_parallel_calls=tf.data.AUTOTUNE
        )
