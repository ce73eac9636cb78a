"""Downloads of addresses that others name.

Each connection is made to an address that was checked just before, so neither a redirect, nor a
spelling of an address, nor a name that resolves differently the second time gets past the rule. A
peer that is refused receives no packet. TLS verifies the certificate of the name. Proxies are not
used, because behind one the address would be the proxy's. Cookies are not kept. Messages do not
tell an inner name that exists from one that does not.
"""

import asyncio
import contextlib
import errno
import functools
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import aiohttp
import yarl
from aiohttp.abc import AbstractCookieJar
from aiohttp.connector import AddrInfoType

from shelfsort.core.http.addresses import AddressRule, is_public_address
from shelfsort.core.http.failures import (
    DownloadError,
    RefusedAddressError,
    TooLargeError,
    as_download_errors,
)
from shelfsort.core.http.messages import Answer, Fetched, Request, Unpacking
from shelfsort.core.http.resolving import DaemonResolver
from shelfsort.core.time_limit import TimeLimit

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 10
_CONNECTIONS = 32
_PIECE_BYTES = 1 << 16
# Shorter than any server keeps a connection: it must not close one that a request is sent on.
_KEPT_S = 2.0
_NAMES_KEPT_S = 60
_CLOSED_WITHIN_S = 5.0
_RATE_AFTER_S = 5.0
_AGENT = "shelfsort"
_ASKING = {"Accept": "application/json", "Accept-Encoding": "gzip"}

_Hook = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class Limits:
    """What one download may take.

    Attributes:
        max_bytes: a longer body is refused.
        wait_s: seconds for connecting, and for each piece of the answer.
        total_s: seconds for everything: a free connection, the name, redirects and the body.
        least_bytes_s: bytes a second, on average, below which a body is given up after 5 s.
        ports: that addresses may name, redirects included; empty for any.
        user: whether addresses may name a user; who it is is never sent.
    """

    max_bytes: int
    wait_s: float = 20.0
    total_s: float = 120.0
    least_bytes_s: float = 0.0
    ports: tuple[int, ...] = ()
    user: bool = True


class AsyncDownloader:
    """Fetches many at a time in one event loop. Connections are kept for a moment."""

    def __init__(
        self,
        limits: Limits,
        permitted: AddressRule = is_public_address,
        connections: int = _CONNECTIONS,
        agent: str = _AGENT,
    ):
        """Made in the event loop that it is used in.

        Args:
            limits: of each download.
            permitted: which IP addresses may be connected to.
            connections: most at a time.
            agent: User-Agent that servers see.
        """
        self._limits = limits
        self._permitted = permitted
        connector = aiohttp.TCPConnector(
            limit=connections,
            ssl=_trusted(),
            keepalive_timeout=_KEPT_S,
            resolver=DaemonResolver(limits.wait_s),
            ttl_dns_cache=_NAMES_KEPT_S,
            socket_factory=self._socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            # The whole time is bounded around all hops.
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=limits.wait_s, sock_read=limits.wait_s
            ),
            headers={"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": agent},
            cookie_jar=_no_cookies(),
            auto_decompress=False,
            trust_env=False,
        )

    async def get(self, url: str) -> bytes:
        """The body that an `http(s)://` address answers with, redirects followed.

        Raises:
            TooLargeError: the body is longer than allowed.
            DownloadError: anything else.
        """

        def refuse_failure(answer: Fetched) -> None:
            if not _succeeded(answer.status):
                raise DownloadError(f"HTTP status {answer.status}", answer.status, kind="status")

        return (await self.fetch(url, inspect=refuse_failure)).body

    async def fetch(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        before: _Hook | None = None,
        inspect: Callable[[Fetched], None] | None = None,
        first_bytes: int | None = None,
    ) -> Fetched:
        """What an `http(s)://` address answers, whatever its status; redirects are followed.

        Args:
            url: of what to fetch.
            headers: to send in addition.
            before: runs before each request, with its address; may raise DownloadError.
            inspect: sees the answer before its body is read; may raise DownloadError.
            first_bytes: read this much of the body and leave the rest.

        Raises:
            TooLargeError: the body is longer than allowed, and `first_bytes` is None.
            DownloadError: there is no answer.
        """
        with as_download_errors(), TimeLimit(self._limits.total_s):
            return await self._followed(yarl.URL(url), headers, before, inspect, first_bytes)

    async def ask(self, request: Request) -> Answer:
        """What a service answers, whatever the status. Redirects are not followed.

        Raises:
            TooLargeError: the body is longer than allowed, as it comes or decompressed.
            DownloadError: there is no whole answer.
        """
        with as_download_errors(), TimeLimit(self._limits.total_s):
            return await self._answered(request)

    async def _answered(self, request: Request) -> Answer:
        async with self._session.request(
            request.method,
            _checked(yarl.URL(request.url), self._limits),
            headers={**_ASKING, **request.headers},
            data=request.body or None,
            allow_redirects=False,
        ) as response:
            encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
            body = await self._read(response, encoding)
            links = {name: str(link["url"]) for name, link in response.links.items()}
            return Answer(response.status, response.headers, body, links)

    async def _followed(
        self,
        url: yarl.URL,
        headers: Mapping[str, str] | None,
        before: _Hook | None,
        inspect: Callable[[Fetched], None] | None,
        first_bytes: int | None,
    ) -> Fetched:
        for _ in range(_MAX_REDIRECTS + 1):
            checked = _checked(url, self._limits)
            if before is not None:
                await before(str(checked))
            async with self._session.get(
                checked, headers=headers, allow_redirects=False
            ) as response:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or not location:
                    answer = Fetched(response.status, str(checked), response.headers)
                    if inspect is not None:
                        inspect(answer)
                    if not _succeeded(response.status):
                        return answer
                    body = await self._body(response, first_bytes)
                    return Fetched(answer.status, answer.url, answer.headers, body)
            url = url.join(yarl.URL(location))
        raise DownloadError(f"more than {_MAX_REDIRECTS} redirects", kind="redirects")

    async def _body(self, response: aiohttp.ClientResponse, first_bytes: int | None) -> bytes:
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            # Inflating could fill the memory, and nobody needs to compress an image.
            reason = f"the answer is compressed ({encoding[:40]}), which was not asked for"
            raise DownloadError(reason, kind="compressed")
        return await self._read(response, "identity", first_bytes)

    async def _read(
        self, response: aiohttp.ClientResponse, encoding: str, first_bytes: int | None = None
    ) -> bytes:
        most = self._limits.max_bytes if first_bytes is None else first_bytes
        if first_bytes is None and (response.content_length or 0) > most:
            raise TooLargeError(most)
        unpacking, body, began = Unpacking(encoding), bytearray(), time.monotonic()
        async for piece in response.content.iter_chunked(_PIECE_BYTES):
            body += unpacking.add(piece, most + 1 - len(body))
            if len(body) > most:
                if first_bytes is None:
                    raise TooLargeError(most)
                return bytes(body[:most])
            passed = time.monotonic() - began
            if passed > _RATE_AFTER_S and len(body) < passed * self._limits.least_bytes_s:
                reason = f"{len(body):,} bytes in {passed:.0f} s"
                raise DownloadError(reason, kind="too_slow")
        if body and not unpacking.whole:
            raise DownloadError("the answer was cut off", kind="cut_off")
        return bytes(body)

    def _socket(self, address: AddrInfoType) -> socket.socket:
        """The socket of a connection about to be made. Raises RefusedAddressError."""
        family, kind, protocol, _, peer = address
        if not self._permitted(str(peer[0])):
            raise RefusedAddressError(errno.EADDRNOTAVAIL, "is not on the public internet")
        return socket.socket(family, kind, protocol)

    async def close(self) -> None:
        """Closes the connections that are kept."""
        await self._session.close()


class Downloader:
    """AsyncDownloader for code that waits; may be shared by threads."""

    def __init__(self, limits: Limits, permitted: AddressRule = is_public_address):
        """`permitted` says which IP addresses may be connected to."""
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self._loop.run_forever, name="downloads", daemon=True)
        thread.start()

        async def made() -> AsyncDownloader:
            return AsyncDownloader(limits, permitted)

        self._downloader = asyncio.run_coroutine_threadsafe(made(), self._loop).result()
        self._closed = weakref.finalize(self, _stop, self._downloader, self._loop, thread)

    def get(self, url: str) -> bytes:
        """As AsyncDownloader.get."""
        return asyncio.run_coroutine_threadsafe(self._downloader.get(url), self._loop).result()

    def ask(self, request: Request) -> Answer:
        """As AsyncDownloader.ask."""
        return asyncio.run_coroutine_threadsafe(self._downloader.ask(request), self._loop).result()

    def close(self) -> None:
        """Closes the connections that are kept. Happens by itself when nobody has this any more."""
        self._closed()


def _stop(
    downloader: AsyncDownloader, loop: asyncio.AbstractEventLoop, thread: threading.Thread
) -> None:
    with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
        closing = asyncio.run_coroutine_threadsafe(_ended(downloader), loop)
        closing.result(_CLOSED_WITHIN_S)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(_CLOSED_WITHIN_S)
    if not thread.is_alive():
        loop.close()


async def _ended(downloader: AsyncDownloader) -> None:
    """Closes the downloader, and ends what other threads wait for."""
    await downloader.close()
    waiting = asyncio.all_tasks() - {asyncio.current_task()}
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


def _no_cookies() -> AbstractCookieJar:
    return aiohttp.DummyCookieJar()


def _succeeded(status: int) -> bool:
    return 200 <= status < 300


def _checked(url: yarl.URL, limits: Limits) -> yarl.URL:
    """An address that can be fetched, without the user that it may name. Raises DownloadError."""
    if url.scheme not in ("http", "https"):
        reason = f"the address leads to another scheme ({url.scheme[:40] or 'none'})"
        raise DownloadError(reason, kind="invalid")
    if not url.host:
        raise DownloadError("the address names no host", kind="invalid")
    if not url.port or (limits.ports and url.port not in limits.ports):
        named = "there is no port" if not url.port else "addresses may not name port"
        raise DownloadError(f"{named} {url.port}", kind="refused_address")
    if not limits.user and url.raw_authority.rpartition("@")[1]:
        raise DownloadError("the address names a user", kind="refused_address")
    return url.with_user(None)


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Trusts whom this machine trusts: reading their certificates takes 50 ms."""
    return ssl.create_default_context()
