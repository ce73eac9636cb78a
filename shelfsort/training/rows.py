"""Rows of arrays that are larger than memory: on disk, in chunks, and as a sample."""

import os
import tempfile
from collections.abc import Iterator
from typing import Protocol

import numpy as np

CHUNK = 1024


class Rows(Protocol):
    """What gives rows by their numbers: an array, or a RowFile."""

    @property
    def dtype(self) -> np.dtype: ...

    def __getitem__(self, index: np.ndarray) -> np.ndarray: ...


class RowFile:
    """An array of rows of one type in a temporary file without a name.

    It lies in TMPDIR, and is gone with the object or with the process, however that ends. Rows are
    read with `pread` and not mapped: a mapping's pages count as the process's memory, and a
    cluster ends processes for it.

    Args:
        dtype: of a row: structured, or with a shape, as in `np.dtype((np.float32, (10,)))`.
        rows: rows of zeros to begin with; they take no space on disk until they are written.
    """

    def __init__(self, dtype: np.dtype, rows: int = 0):
        self.dtype = np.dtype(dtype)
        self._file = tempfile.TemporaryFile(prefix="rows-", buffering=0)  # noqa: SIM115 - kept open
        self._rows = 0
        self._grow(rows)

    def __len__(self) -> int:
        return self._rows

    def append(self, values: np.ndarray) -> None:
        """Adds (m, ...) rows at the end."""
        start = self._rows
        self._grow(len(values))
        self[np.arange(start, self._rows)] = values

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        """The rows at (m,) `index`, in its order."""
        values = np.empty(len(index), self.dtype)
        for piece, offset in self._pieces(index, values):
            if os.preadv(self._file.fileno(), [piece], offset) != len(piece):
                raise OSError("a file of rows was cut short")
        return values

    def __setitem__(self, index: np.ndarray, values: np.ndarray) -> None:
        whole = np.ascontiguousarray(values, self.dtype.base)
        for piece, offset in self._pieces(index, whole):
            if os.pwritev(self._file.fileno(), [piece], offset) != len(piece):
                raise OSError("no space left for a file of rows; set TMPDIR to a larger disk")

    def _grow(self, rows: int) -> None:
        self._rows += rows
        self._file.truncate(self._rows * self.dtype.itemsize)

    def _pieces(self, index: np.ndarray, values: np.ndarray) -> Iterator[tuple[memoryview, int]]:
        """Parts of the buffer of `values`, each with its place in the file."""
        index = np.asarray(index, np.int64)
        if not len(index):
            return
        if not 0 <= index.min() <= index.max() < self._rows:
            raise IndexError(f"rows {index.min()} to {index.max()} of {self._rows}")
        size = self.dtype.itemsize
        buffer = memoryview(values.view(np.uint8).reshape(-1))
        starts = np.flatnonzero(np.diff(index, prepend=-2) != 1).tolist()
        for first, last in zip(starts, [*starts[1:], len(index)], strict=True):
            yield buffer[first * size : last * size], int(index[first]) * size


def chunks(rows: np.ndarray) -> Iterator[np.ndarray]:
    """(n,) row numbers in runs of at most CHUNK."""
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def evenly(rows: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the (n,) row numbers, spread evenly over them.

    Rows lie in the order of a hash of the products' ids, so these are a random sample that is the
    same in every run.
    """
    if len(rows) <= most:
        return rows
    return rows[np.arange(most) * len(rows) // most]
