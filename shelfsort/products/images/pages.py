"""The images of products as web pages show them: read by the server, made small, and kept."""

import time
from collections import OrderedDict
from concurrent.futures import Future
from threading import BoundedSemaphore, Lock

from shelfsort.core.storage import is_remote
from shelfsort.products.images.shown import shown_image
from shelfsort.products.images.source import ImageSource
from shelfsort.products.manifest.rejects import RejectedLine

DOWNLOAD_S = 30.0
"""Seconds that a download for a page may take: somebody waits for it."""
_KEPT_BYTES = 64 << 20
_REFUSED_S = 60.0
_ENCODED_AT_ONCE = 2


class PageImages:
    """Shows images as small JPEGs. Threads may share it.

    Everybody who works on a product sees its image, so each is read and encoded once while there is
    room. A browser asks for images by number and never learns where they lie.
    """

    def __init__(self, kept_bytes: int = _KEPT_BYTES, refused_s: float = _REFUSED_S):
        """Reads nothing.

        Args:
            kept_bytes: most bytes of encoded images that are kept; those seen last stay.
            refused_s: seconds for which a store or host is not asked again for an image that it did
                not give.
        """
        self._kept: OrderedDict[str, Future[bytes]] = OrderedDict()
        self._refused: dict[str, tuple[float, RejectedLine]] = {}
        self._bytes, self._most_bytes, self._refused_s = 0, kept_bytes, refused_s
        self._lock = Lock()
        # A large image takes 200 MB while it is encoded.
        self._encoding = BoundedSemaphore(_ENCODED_AT_ONCE)

    def jpeg(self, source: ImageSource, reference: str) -> bytes:
        """The image at a reference of a source.

        Raises:
            RejectedLine: there is none, or it cannot be read or shown.
        """
        if not reference:
            raise RejectedLine("missing_image", "the product has no image")
        place = source.locate(reference)
        with self._lock:
            own = place not in self._kept
            found = self._kept.setdefault(place, Future())
            self._kept.move_to_end(place)
            if own and (why := self._still_refused(place)):
                del self._kept[place]
                raise why
        if own:
            self._read(source, place, found)
        return found.result()

    def _read(self, source: ImageSource, place: str, found: "Future[bytes]") -> None:
        try:
            content = source.read(place)
            with self._encoding:
                shown = shown_image(content)
        except BaseException as error:
            with self._lock:
                self._kept.pop(place, None)
                if isinstance(error, RejectedLine) and is_remote(place):
                    self._refused[place] = (time.monotonic() + self._refused_s, error)
            found.set_exception(error)
            return
        found.set_result(shown)
        with self._lock:
            self._bytes += len(shown)
            self._make_room()

    def _make_room(self) -> None:
        """Forgets the images that were not seen for longest."""
        for place, found in list(self._kept.items()):
            if self._bytes <= self._most_bytes:
                return
            if found.done():
                del self._kept[place]
                self._bytes -= len(found.result())

    def _still_refused(self, place: str) -> RejectedLine | None:
        now = time.monotonic()
        for known in [each for each, (until, _) in self._refused.items() if until <= now]:
            del self._refused[known]
        return self._refused[place][1] if place in self._refused else None
