"""Reads pictures in buckets and in folders of this machine, within the bounds of a download."""

import asyncio
import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass

from shelfsort.catalog.fetching.links import Link
from shelfsort.catalog.fetching.outcomes import DEAD_HOST
from shelfsort.core import storage
from shelfsort.core.daemon_threads import DaemonThreads
from shelfsort.core.storage import is_folder, is_remote, join, scheme
from shelfsort.products.images.source import OBJECT_STORES, ImageSource
from shelfsort.products.manifest.rejects import RejectedLine


@dataclass(frozen=True)
class Found:
    """What became of reading a picture.

    Attributes:
        outcome: class of a failure; "" where there is a body or the picture is unchanged.
        detail: why, in words.
        body: of the picture, or its beginning.
        version: changes with the file.
        unchanged: whether the file has the version that was known.
    """

    outcome: str = ""
    detail: str = ""
    body: bytes = b""
    version: str = ""
    unchanged: bool = False


class StoredPictures:
    """The pictures in the folders and buckets that the settings name."""

    def __init__(self, folders: Sequence[str], max_bytes: int, total_s: float, at_once: int):
        """Made in the event loop that it is used in.

        Args:
            folders: absolute paths and addresses below which pictures may be read.
            max_bytes: of one picture.
            total_s: seconds for one picture.
            at_once: most pictures at a time.
        """
        self._folders, self._max_bytes, self._total_s = folders, max_bytes, total_s
        # Relative addresses have become absolute ones in the import.
        first = join(folders[0], "-") if folders else ""
        self._source = ImageSource(first, folders[1:]) if folders else None
        self._threads = DaemonThreads("pictures", at_once)

    @staticmethod
    def has(url: str) -> bool:
        """Whether an address is one of a folder or bucket, and not of the web."""
        return scheme(url) in (*OBJECT_STORES, "file")

    async def read(self, link: Link, first_bytes: int | None) -> Found:
        """Reads the picture of a link. Raises nothing of the store's.

        Args:
            link: of the picture.
            first_bytes: read this much of it and leave the rest; None for all.
        """
        began = time.monotonic()
        work = functools.partial(self._read, link, first_bytes)
        try:
            return await self._threads.run(work, self._total_s)
        except (TimeoutError, asyncio.TimeoutError):
            seconds = time.monotonic() - began
            return Found("timeout", f"not read in {seconds:.0f} s")
        # Each store's library has its own errors.
        except Exception as error:
            return _failed(error)

    def _read(self, link: Link, first_bytes: int | None) -> Found:
        try:
            if self._source is None:
                raise RejectedLine("path_outside_folder", "")
            place = self._source.locate(link.url)
        except RejectedLine:
            return Found("refused_address", "it is not, or leads out of, a folder of image_folders")
        size, changed = storage.file_state(place)
        if size < 0:
            return self._missing(link.url)
        version = f"{size}-{changed}"
        if link.image is not None and link.etag == version:
            return Found(version=version, unchanged=True)
        if first_bytes is None and size > self._max_bytes:
            return Found("too_large", f"more than {self._max_bytes:,} bytes")
        most = self._max_bytes + 1 if first_bytes is None else first_bytes
        body = storage.read_bytes(place, most)
        if len(body) > self._max_bytes:
            return Found("too_large", f"more than {self._max_bytes:,} bytes")
        return Found(body=body, version=version)

    def _missing(self, url: str) -> Found:
        # A disk that is not there now is no reason to call every picture gone.
        local = [each for each in self._folders if not is_remote(each)]
        if not is_remote(url) and not all(map(is_folder, local)):
            return Found(DEAD_HOST, "a folder of image_folders is not there")
        return Found("gone", "there is no such file")


def _failed(error: Exception) -> Found:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Found("gone", reason)
    if isinstance(error, PermissionError):
        return Found("blocked", reason)
    if isinstance(error, IsADirectoryError) or getattr(error, "filename", None):
        return Found("not_an_image", reason)
    return Found(DEAD_HOST, reason)
