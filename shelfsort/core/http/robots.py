"""What a host forbids to programs: robots.txt (RFC 9309) and the header X-Robots-Tag."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass

from multidict import CIMultiDictProxy
from protego import Protego

from shelfsort.core.http.downloads import AsyncDownloader
from shelfsort.core.http.failures import DownloadError

MAX_BYTES = 500 << 10
"""Of a robots.txt; the rest is not read (RFC 9309, 2.5)."""
_KEPT_S = 24 * 3600.0
_MAX_ORIGINS = 4_096
_MAX_TEXT_BYTES = 8 << 20
_LARGE_BYTES = 16 << 10
_TOO_MANY_REQUESTS = 429
_FORBIDDING = frozenset({"noai", "noimageai", "noindex", "noimageindex"})
_WITH_VALUE = frozenset(
    {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
)


@dataclass(frozen=True)
class _Rules:
    """Attributes: rules (None: all is allowed), why nothing is allowed, bytes, time of reading."""

    rules: Protego | None
    forbidden: str
    size: int
    read: float


class Robots:
    """The robots.txt of each host, read once a day by the downloader that reads the rest."""

    def __init__(self, downloader: AsyncDownloader, token: str):
        """`token` is the product token that rules may name, in lower case."""
        self._downloader, self._token = downloader, token
        self._known: OrderedDict[str, _Rules] = OrderedDict()
        self._reading: dict[str, asyncio.Task[_Rules]] = {}
        self._size = 0

    async def check(self, url: str) -> None:
        """Whether an address may be fetched.

        404 and the like allow everything, 429 and 5xx nothing (RFC 9309, 2.3.1).

        Raises:
            DownloadError: of kind `robots` where it may not be, else as `fetch`: a host that does
                not answer forbids everything.
        """
        found = await self._of(url)
        if found.forbidden:
            raise DownloadError(found.forbidden, kind="robots")
        if found.rules is not None and not found.rules.can_fetch(url, self._token):
            raise DownloadError("robots.txt forbids it", kind="robots")

    def delay_s(self, url: str) -> float:
        """Seconds between two requests that the host's rules ask for, as far as they are known."""
        found = self._known.get(_origin(url))
        if found is None or found.rules is None:
            return 0.0
        return float(found.rules.crawl_delay(self._token) or 0.0)

    async def _of(self, url: str) -> _Rules:
        origin = _origin(url)
        found = self._known.get(origin)
        if found is not None and time.monotonic() - found.read < _KEPT_S:
            self._known.move_to_end(origin)
            return found
        task = self._reading.get(origin)
        if task is None:
            task = asyncio.ensure_future(self._read(origin))
            self._reading[origin] = task
            task.add_done_callback(lambda done: self._keep(origin, done))
        # Who waits may be cancelled; the others go on waiting.
        return await asyncio.shield(task)

    async def _read(self, origin: str) -> _Rules:
        try:
            answer = await self._downloader.fetch(f"{origin}/robots.txt", first_bytes=MAX_BYTES)
        except DownloadError as error:
            if error.kind in ("redirects", "compressed"):
                return _Rules(None, "", 0, time.monotonic())
            raise
        if answer.status >= 500 or answer.status == _TOO_MANY_REQUESTS:
            reason = f"robots.txt answers {answer.status}"
            return _Rules(None, reason, 0, time.monotonic())
        if not 200 <= answer.status < 300:
            return _Rules(None, "", 0, time.monotonic())
        if len(answer.body) > _LARGE_BYTES:
            rules = await asyncio.get_running_loop().run_in_executor(None, _parsed, answer.body)
        else:
            rules = _parsed(answer.body)
        return _Rules(rules, "", len(answer.body), time.monotonic())

    def _keep(self, origin: str, done: "asyncio.Task[_Rules]") -> None:
        del self._reading[origin]
        if done.cancelled() or done.exception() is not None:
            return
        old = self._known.pop(origin, None)
        self._known[origin] = done.result()
        self._size += done.result().size - (old.size if old else 0)
        while len(self._known) > _MAX_ORIGINS or self._size > _MAX_TEXT_BYTES:
            self._size -= self._known.popitem(last=False)[1].size


def forbidding_header(headers: CIMultiDictProxy[str], token: str) -> str:
    """The header and directive that forbid to keep a picture; "" where none does.

    X-Robots-Tag with `noai`, `noimageai`, `noindex` or `noimageindex`, for everybody or for this
    product token, and the reservation of the TDM Reservation Protocol.
    """
    for value in headers.getall("X-Robots-Tag", ()):
        addressed = ""
        for part in value.lower().split(","):
            name, colon, rest = (piece.strip() for piece in part.partition(":"))
            if colon and name not in _WITH_VALUE:
                addressed, name = name, rest
            if name in _FORBIDDING and addressed in ("", "*", token):
                return f"X-Robots-Tag: {name}"
    return "TDM-Reservation: 1" if headers.get("TDM-Reservation", "").strip() == "1" else ""


def _parsed(body: bytes) -> Protego:
    return Protego.parse(body.decode("utf-8-sig", "replace"))


def _origin(url: str) -> str:
    """Scheme, host and port of an address in its one spelling, as the downloader announces it."""
    return "/".join(url.split("/", 3)[:3])
