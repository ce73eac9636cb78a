"""One request for a picture, and what it comes to."""

import email.utils
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone

from shelfsort.catalog.fetching.links import Link
from shelfsort.catalog.fetching.outcomes import of_failure, of_status
from shelfsort.catalog.fetching.stored import StoredPictures
from shelfsort.core.http import AsyncDownloader, DownloadError, Fetched
from shelfsort.core.http.robots import Robots, forbidding_header

TOKEN = "shelfsort"
"""The name that robots.txt and X-Robots-Tag may call us by."""
_FIRST_BYTES = 512
_NOT_MODIFIED = 304
_PRESSED = (429, 503)
_MAX_HEADER = 500
_MAX_URL = 4_096
_MAX_DETAIL = 300
_MAX_RETRY_AFTER_S = 30 * 86_400.0


@dataclass
class Reply:
    """What a request came to.

    Attributes:
        link: that was asked for.
        outcome: class of a failure; "" where there is a body or the picture is unchanged.
        detail: why, in words.
        status: of HTTP; 0 without an answer.
        body: of the answer.
        unchanged: whether the server says that the picture is the known one.
        requested: whether the picture's host was asked at all.
        latency_s: until the head of the answer; None without one.
        seconds: in all.
        final_url: after redirects, where it differs.
        etag: of the picture.
        last_modified: of the picture.
        retry_after_s: that the host asks for with status 429 or 503.
        delay_s: between two requests, as the host's robots.txt asks for.
    """

    link: Link
    outcome: str = ""
    detail: str = ""
    status: int = 0
    body: bytes = b""
    unchanged: bool = False
    requested: bool = False
    latency_s: float | None = None
    seconds: float = 0.0
    final_url: str = ""
    etag: str = ""
    last_modified: str = ""
    retry_after_s: float | None = None
    delay_s: float = 0.0
    began: float = field(default_factory=time.monotonic)

    @property
    def pressed(self) -> bool:
        """Whether the host has too much to do."""
        return self.status in _PRESSED


class Requests:
    """Asks for pictures as the settings and the hosts want it."""

    def __init__(
        self,
        downloader: AsyncDownloader,
        stored: StoredPictures,
        *,
        robots: bool,
        check_only: bool,
    ):
        """
        Args:
            downloader: that makes the requests.
            stored: pictures in folders and buckets.
            robots: whether robots.txt and X-Robots-Tag are obeyed.
            check_only: read the beginning of each picture only.
        """
        self._downloader, self._stored = downloader, stored
        self._robots = Robots(downloader, TOKEN) if robots else None
        self._first_bytes = _FIRST_BYTES if check_only else None

    async def ask(self, link: Link) -> Reply:
        """Asks for the picture of a link. Raises nothing of the network's."""
        reply = Reply(link)
        if self._stored.has(link.url):
            await self._read(reply)
            return reply
        try:
            answer = await self._downloader.fetch(
                link.url,
                headers=_conditions(link),
                before=self._before(reply),
                inspect=self._inspecting(reply),
                first_bytes=self._first_bytes,
            )
        except DownloadError as error:
            reply.outcome = of_failure(error.kind)
            reply.detail = clean(str(error), _MAX_DETAIL)
        else:
            _take(reply, answer)
        reply.seconds = time.monotonic() - reply.began
        return reply

    async def _read(self, reply: Reply) -> None:
        """Reads a picture of a folder or bucket."""
        found = await self._stored.read(reply.link, self._first_bytes)
        reply.outcome, reply.body, reply.unchanged = found.outcome, found.body, found.unchanged
        reply.detail, reply.etag = clean(found.detail, _MAX_DETAIL), found.version
        reply.seconds = reply.latency_s = time.monotonic() - reply.began
        reply.requested = True

    def _before(self, reply: Reply) -> Callable[[str], Awaitable[None]]:
        async def allowed(url: str) -> None:
            if self._robots is not None:
                await self._robots.check(url)
                if not reply.requested:
                    reply.delay_s = self._robots.delay_s(url)
            reply.requested, reply.began = True, time.monotonic()

        return allowed

    def _inspecting(self, reply: Reply) -> Callable[[Fetched], None]:
        def inspect(answer: Fetched) -> None:
            reply.latency_s = time.monotonic() - reply.began
            reply.status = answer.status
            forbidden = forbidding_header(answer.headers, TOKEN) if self._robots else ""
            if forbidden:
                raise DownloadError(forbidden, kind="robots")

        return inspect


def clean(text: str, most: int) -> str:
    """A text from outside as every database takes it, cut."""
    return text[:most].replace("\0", "").encode("utf-8", "replace").decode()


def _conditions(link: Link) -> dict[str, str]:
    """Headers that make a server say only whether the picture changed."""
    if link.image is None:
        return {}
    given = {"If-None-Match": link.etag, "If-Modified-Since": link.last_modified}
    return {name: value for name, value in given.items() if value}


def _take(reply: Reply, answer: Fetched) -> None:
    reply.status, reply.body = answer.status, answer.body
    if answer.url != reply.link.url:
        reply.final_url = clean(answer.url, _MAX_URL)
    reply.etag = _header(answer, "ETag")
    reply.last_modified = _header(answer, "Last-Modified")
    if answer.status == _NOT_MODIFIED and reply.link.image is not None:
        reply.unchanged = True
    elif not 200 <= answer.status < 300:
        reply.outcome = of_status(answer.status)
        reply.detail = f"HTTP status {answer.status}"
        if reply.pressed:
            reply.retry_after_s = _retry_after_s(answer.headers.get("Retry-After", ""))


def _header(answer: Fetched, name: str) -> str:
    value = answer.headers.get(name, "")
    return clean(value, _MAX_HEADER) if len(value) <= _MAX_HEADER and value.isascii() else ""


def _retry_after_s(value: str) -> float | None:
    """The seconds that a Retry-After asks for: a number, or a date (RFC 9110, 10.2.3)."""
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return min(float(value), _MAX_RETRY_AFTER_S)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    seconds = (moment - datetime.now(timezone.utc)).total_seconds()
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)
