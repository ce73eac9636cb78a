"""Embeddings of pictures, kept between runs: a rerun pays only for pictures it has not seen."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

_LOOKUP_CHUNK = 500


def content_digest(content: bytes) -> bytes:
    """16-byte BLAKE2b digest: of a picture's encoded bytes, or of a weights file."""
    return hashlib.blake2b(content, digest_size=16).digest()


class EmbeddingCache:
    """Embeddings by picture digest, in one SQLite file for each backbone.

    Every `put` is a transaction, so a killed run leaves whole batches behind and nothing else.

    Args:
        folder: where the file lies; created when missing. None keeps the cache in memory.
        key: names backbone, weights and input geometry; another key is another file.
    """

    def __init__(self, folder: Path | None, key: str):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        location = ":memory:" if folder is None else str(folder / f"{key}.sqlite")
        self._connection = sqlite3.connect(location, timeout=60)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS embedding (digest BLOB PRIMARY KEY, vector BLOB NOT NULL)"
        )

    def known(self, digests: Sequence[bytes]) -> set[bytes]:
        """Those of `digests` that have an embedding."""
        return {digest for digest, _ in self._rows(digests, "digest, NULL")}

    def get(self, digests: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        """float32 embeddings by digest; digests without one are left out."""
        return {digest: np.frombuffer(vector, "<f4") for digest, vector in self._rows(digests, "*")}

    def put(self, digests: Sequence[bytes], vectors: np.ndarray) -> None:
        """Stores float32 `vectors` of shape (n, size) under n `digests`, all or none."""
        rows = [
            (digest, vector.astype("<f4").tobytes())
            for digest, vector in zip(digests, vectors, strict=True)
        ]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO embedding VALUES (?, ?)", rows)

    def close(self) -> None:
        self._connection.close()

    def _rows(self, digests: Sequence[bytes], columns: str) -> Iterator[tuple]:
        for start in range(0, len(digests), _LOOKUP_CHUNK):
            chunk = list(digests[start : start + _LOOKUP_CHUNK])
            marks = ",".join("?" * len(chunk))
            yield from self._connection.execute(
                f"SELECT {columns} FROM embedding WHERE digest IN ({marks})", chunk
            )
