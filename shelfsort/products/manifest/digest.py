"""A digest of everything that ingestion reads: equal digests mean equal input."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from shelfsort.core.errors import InputError
from shelfsort.core.progress import progress
from shelfsort.core.storage import blocks, file_state, is_remote, scheme
from shelfsort.products.images.source import ImageSource
from shelfsort.products.manifest.rejects import RejectedLine

DIGEST_BYTES = 16
_THREADS = 8
_CHUNK = 64

ImageReference = tuple[ImageSource, str]
"""Who reads an image, and its `source-ref`."""


def file_digest(path: str) -> bytes:
    """The digest of one file's bytes, read piece by piece. Raises OSError as `open` does."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for block in blocks(path):
        digest.update(block)
    return digest.digest()


def content_digest(files: Iterable[bytes], images: Iterable[ImageReference]) -> str:
    """Hex digits of a BLAKE2b over the given files' digests and every image they refer to.

    Images on this machine count with their content; those in an object store with the size and
    time of change that the store reports; those on the web with their address alone.

    Args:
      files: `file_digest` of the manifest's files, the taxonomy and the reduction.
      images: every `source-ref` and who reads it, in the order of the manifest; repetitions are
        read once.
    """
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for file in files:
        digest.update(file)
    unique = list(dict.fromkeys(images))
    chunks = [unique[start : start + _CHUNK] for start in range(0, len(unique), _CHUNK)]

    def of_chunk(chunk: list[ImageReference]) -> bytes:
        return b"".join(_image_digest(reference, source) for source, reference in chunk)

    with ThreadPoolExecutor(_THREADS) as pool:
        for done, digests in enumerate(pool.map(of_chunk, chunks), start=1):
            digest.update(digests)
            progress(min(done * _CHUNK, len(unique)), len(unique), "images fingerprinted")
    return digest.hexdigest()


def _image_digest(reference: str, source: ImageSource) -> bytes:
    digest = hashlib.blake2b(reference.encode("utf-8", "replace"), digest_size=DIGEST_BYTES)
    try:
        location = source.locate(reference)
        if scheme(location) in ("http", "https"):
            return digest.digest()
        digest.update(_remote_state(location) if is_remote(location) else source.read(location))
    except RejectedLine as why:
        digest.update(why.reason.encode())
    return digest.digest()


def _remote_state(location: str) -> bytes:
    try:
        return repr(file_state(location)).encode()
    except (OSError, ValueError, InputError) as error:
        return type(error).__name__.encode()
