"""Encoded pictures by the row of their product, on disk."""

import os
import tempfile
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from shelfsort.training.dataset import record_batches
from shelfsort.training.embedding_cache import content_digest
from shelfsort.training.images import decode_picture


class Pictures:
    """Encoded pictures of n products in a temporary file without a name.

    Attributes:
        digests: n digests of the pictures; b"" for products without one.

    Args:
        encoded: the pictures in the order of the products; b"" for none.
    """

    def __init__(self, encoded: Iterable[bytes]):
        self._file = tempfile.TemporaryFile(prefix="pictures-", buffering=2**20)  # noqa: SIM115
        self.digests: list[bytes] = []
        ends = [0]
        for each in encoded:
            self._file.write(each)
            self.digests.append(content_digest(each) if each else b"")
            ends.append(ends[-1] + len(each))
        self._file.flush()
        self._ends = np.array(ends, np.int64)

    def __len__(self) -> int:
        return len(self.digests)

    def __getitem__(self, row: int) -> bytes:
        """The encoded picture of a product; b"" for none."""
        start, end = self._ends[row], self._ends[row + 1]
        # tf.data reads from several threads: pread has no position that they would share.
        return os.pread(self._file.fileno(), int(end - start), int(start))

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
