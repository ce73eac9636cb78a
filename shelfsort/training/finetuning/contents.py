"""Contents of products, such as encoded pictures or texts, by row, on disk."""

import os
import tempfile
from collections.abc import Iterable

import numpy as np

from shelfsort.training.embedding_cache import content_digest


class Contents:
    """Bytes of n products in a temporary file without a name.

    Attributes:
        digests: n digests of the contents; b"" for products without one.

    Args:
        contents: in the order of the products; b"" for none.
    """

    def __init__(self, contents: Iterable[bytes]):
        self._file = tempfile.TemporaryFile(prefix="contents-", buffering=2**20)  # noqa: SIM115
        self.digests: list[bytes] = []
        ends = [0]
        for each in contents:
            self._file.write(each)
            self.digests.append(content_digest(each) if each else b"")
            ends.append(ends[-1] + len(each))
        self._file.flush()
        self._ends = np.array(ends, np.int64)

    def __len__(self) -> int:
        return len(self.digests)

    def __getitem__(self, row: int) -> bytes:
        """The content of a product; b"" for none."""
        start, end = self._ends[row], self._ends[row + 1]
        # tf.data reads from several threads: pread has no position that they would share.
        return os.pread(self._file.fileno(), int(end - start), int(start))

    def some(self, rows: np.ndarray) -> np.ndarray:
        """(m,) bytes of the products at (m,) `rows`."""
        return np.array([self[row] for row in rows], object)
