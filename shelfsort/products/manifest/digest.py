"""A digest of everything that ingestion reads: equal digests mean equal input.

It has three parts, so that ingestion can compare what it reads with what was checked before
without reading anything twice.
"""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from shelfsort.core.progress import progress
from shelfsort.core.storage import blocks, is_remote, scheme
from shelfsort.products.images.source import ImageSource
from shelfsort.products.manifest.rejects import RejectedLine

DIGEST_BYTES = 16
_PART = 2 * DIGEST_BYTES
_MODULUS = 1 << (8 * DIGEST_BYTES)
_THREADS = 8
_CHUNK = 64

ImageReference = tuple[ImageSource, str]
"""Who reads an image, and its `source-ref`."""


@dataclass(frozen=True)
class ContentDigest:
    """The parts of a content digest, 32 hex digits each.

    Attributes:
        files: of the manifest's files, the taxonomy and the reduction.
        images: of every image in the order of the manifest.
        local_images: of the images on this machine, whatever their order.
    """

    files: str
    images: str
    local_images: str

    def __str__(self) -> str:
        return self.files + self.images + self.local_images

    @classmethod
    def parse(cls, text: str) -> "ContentDigest | None":
        """Reads what `str` wrote; None for the digest of an earlier release, of one part."""
        parts = [text[start : start + _PART] for start in range(0, len(text), _PART)]
        return cls(*parts) if len(text) == 3 * _PART else None


def file_digest(path: str) -> bytes:
    """The digest of one file's bytes, read piece by piece. Raises OSError as `open` does."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for block in blocks(path):
        digest.update(block)
    return digest.digest()


def files_digest(files: Iterable[bytes]) -> str:
    """`ContentDigest.files`, from the `file_digest` of each."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for file in files:
        digest.update(file)
    return digest.hexdigest()


def local_image_digest(reference: str, read: bytes | RejectedLine) -> int:
    """What an image on this machine adds to `ContentDigest.local_images`.

    Args:
        reference: its `source-ref`.
        read: its bytes, or why there are none.
    """
    digest = _beginning(reference)
    digest.update(read.reason.encode() if isinstance(read, RejectedLine) else read)
    return int.from_bytes(digest.digest(), "big")


def sum_of_images(digests: int) -> str:
    """`ContentDigest.local_images`, from the sum of `local_image_digest`."""
    return f"{digests % _MODULUS:0{_PART}x}"


def content_digest(files: Iterable[bytes], images: Iterable[ImageReference]) -> str:
    """A ContentDigest as text, by BLAKE2b.

    Images on this machine count with their content; those in an object store with the size and
    time of change that the store reports; those on the web with their address alone.

    Args:
      files: `file_digest` of the manifest's files, the taxonomy and the reduction.
      images: the `source-ref` of every product and who reads it, in the order of the manifest;
        repetitions are read once.
    """
    of_files = files_digest(files)
    references = list(images)
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    unique = list(dict.fromkeys(references))
    local: dict[ImageReference, int] = {}
    chunks = [unique[start : start + _CHUNK] for start in range(0, len(unique), _CHUNK)]

    def of_chunk(chunk: list[ImageReference]) -> list[tuple[bytes, int]]:
        return [_image_digest(reference, source) for source, reference in chunk]

    with ThreadPoolExecutor(_THREADS) as pool:
        for done, found in enumerate(pool.map(of_chunk, chunks)):
            digest.update(b"".join(each for each, _ in found))
            local.update(zip(chunks[done], (added for _, added in found), strict=True))
            progress(min((done + 1) * _CHUNK, len(unique)), len(unique), "images fingerprinted")
    total = sum_of_images(sum(local[reference] for reference in references))
    return str(ContentDigest(of_files, digest.hexdigest(), total))


def _image_digest(reference: str, source: ImageSource) -> tuple[bytes, int]:
    """The digest of an image, and what it adds to those of this machine."""
    digest = _beginning(reference)
    try:
        location = source.locate(reference)
        if is_remote(location):
            if scheme(location) not in ("http", "https"):
                digest.update(repr(source.remote_state(location)).encode())
            return digest.digest(), 0
    except RejectedLine as why:
        digest.update(why.reason.encode())
        return digest.digest(), 0
    read: bytes | RejectedLine
    try:
        read = source.read(location)
    except RejectedLine as why:
        read = why
    added = local_image_digest(reference, read)
    return added.to_bytes(DIGEST_BYTES, "big"), added


def _beginning(reference: str) -> "hashlib.blake2b":
    return hashlib.blake2b(reference.encode("utf-8", "replace"), digest_size=DIGEST_BYTES)
