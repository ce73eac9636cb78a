"""Embeddings of pictures and texts, kept between runs: a rerun pays only for new ones."""

import hashlib
import sqlite3
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_LOOKUP_CHUNK = 500


def content_digest(content: bytes) -> bytes:
    """16-byte BLAKE2b digest: of a picture's encoded bytes, of a text, or of a weights file."""
    return hashlib.blake2b(content, digest_size=16).digest()


class EmbeddingCache:
    """Embeddings by content digest, in one SQLite file for each network.

    Every `put` is a transaction, so a killed run leaves whole batches behind and nothing else.
    Threads may share it.

    Args:
        folder: where the file lies; created when missing. None is a temporary folder, gone with
            the cache.
        key: names the network, its weights and its preprocessing; another key is another file.
    """

    def __init__(self, folder: Path | None, key: str):
        self._own_folder = tempfile.TemporaryDirectory() if folder is None else None
        folder = Path(self._own_folder.name) if folder is None else folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            folder / f"{key}.sqlite", timeout=60, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode=WAL")
        # Not a wait for the disk after every batch: after a loss of power the last batches may be
        # missing, as if they had not been embedded yet, and the rest is sound.
        self._connection.execute("PRAGMA synchronous=NORMAL")
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
        with self._lock, self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO embedding VALUES (?, ?)", rows)

    def vectors(self, contents: np.ndarray, size: int) -> np.ndarray:
        """Embeddings of (n,) bytes, all of them known: (n, size) float32; zeros for empty ones."""
        digests = [content_digest(each) if each else b"" for each in contents.reshape(-1)]
        vectors = self.get([digest for digest in digests if digest])
        vectors[b""] = np.zeros(size, np.float32)
        return np.stack([vectors[digest] for digest in digests])

    def close(self) -> None:
        self._connection.close()
        if self._own_folder is not None:
            self._own_folder.cleanup()

    def _rows(self, digests: Sequence[bytes], columns: str) -> list[tuple]:
        found: list[tuple] = []
        for start in range(0, len(digests), _LOOKUP_CHUNK):
            chunk = list(digests[start : start + _LOOKUP_CHUNK])
            marks = ",".join("?" * len(chunk))
            with self._lock:
                found += self._connection.execute(
                    f"SELECT {columns} FROM embedding WHERE digest IN ({marks})", chunk
                )
        return found
