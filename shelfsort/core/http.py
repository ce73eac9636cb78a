"""Fetches what others name, without letting them reach into the network this machine stands in.

A name is resolved once, its addresses are checked, and the connection goes to a checked one:
neither a redirect nor a name that resolves differently the second time gets past the rule. TLS
still verifies the certificate of the name. Proxies are not used, because behind one the address
would be the proxy's. Cookies are not kept.
"""

import asyncio
import contextlib
import contextvars
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

AddressRule = Callable[[str], bool]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 10
_CONNECTIONS = 32
_LAST_PORT = 65535
# Shorter than any server keeps a connection: it must not close one that a request is sent on.
_KEPT_S = 2.0
_deadline: contextvars.ContextVar[float] = contextvars.ContextVar("deadline")


class DownloadError(Exception):
    """Nothing was fetched. The message says why, without the address.

    Attributes:
        status: the HTTP status, where that is why.
    """

    def __init__(self, reason: str, status: int | None = None):
        super().__init__(reason)
        self.status = status


class TooLargeError(DownloadError):
    """The body is longer than allowed."""


@dataclass(frozen=True)
class Limits:
    """What one download may take.

    Attributes:
        max_bytes: a longer body is refused.
        wait_s: seconds for connecting, and for each piece of the answer.
        total_s: seconds for everything, redirects included.
    """

    max_bytes: int
    wait_s: float = 20.0
    total_s: float = 120.0


def is_public_address(address: str) -> bool:
    """Whether an IP address is one of the public internet: not private, loopback or link-local.

    An IPv6 address that carries an IPv4 address (mapped, 6to4, NAT64) counts as that.
    """
    parsed = ipaddress.ip_address(address.split("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = _carried(parsed) or parsed
    return parsed.is_global and not parsed.is_multicast


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


class Downloader:
    """Fetches by GET; may be shared by threads. Connections are kept for a moment."""

    def __init__(self, limits: Limits, permitted: AddressRule = is_public_address):
        """`permitted` says which IP addresses may be connected to."""
        self._limits = limits
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=_CONNECTIONS,
            keepalive_expiry=_KEPT_S,
            network_backend=_CheckedBackend(permitted),
        )

    def get(self, url: str) -> bytes:
        """The body that an `http(s)://` address answers with, redirects followed.

        Raises:
            TooLargeError: the body is longer than allowed.
            DownloadError: anything else.
        """
        ends = _deadline.set(time.monotonic() + self._limits.total_s)
        try:
            with _as_download_errors():
                return self._followed(httpx.URL(url))
        finally:
            _deadline.reset(ends)

    def _followed(self, url: httpx.URL) -> bytes:
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._pool.handle_request(_request(url, self._limits))
            with contextlib.closing(response):
                target = _redirect(response, url)
                if target is None:
                    body = _Body(response, self._limits.max_bytes)
                    for piece in response.iter_stream():
                        body.add(piece)
                    return body.content()
            url = target
        raise DownloadError(f"more than {_MAX_REDIRECTS} redirects")

    def close(self) -> None:
        """Closes the connections that are kept."""
        self._pool.close()


class AsyncDownloader:
    """Fetches by GET, many at a time in one event loop (asyncio); otherwise as Downloader."""

    def __init__(self, limits: Limits, permitted: AddressRule = is_public_address):
        """`permitted` says which IP addresses may be connected to."""
        self._limits = limits
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=_CONNECTIONS,
            keepalive_expiry=_KEPT_S,
            network_backend=_AsyncCheckedBackend(permitted),
        )

    async def get(self, url: str) -> bytes:
        """As Downloader.get; time spent waiting for a free connection counts, too."""
        with _as_download_errors():
            return await asyncio.wait_for(self._followed(httpx.URL(url)), self._limits.total_s)

    async def _followed(self, url: httpx.URL) -> bytes:
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._pool.handle_async_request(_request(url, self._limits))
            async with contextlib.aclosing(response):
                target = _redirect(response, url)
                if target is None:
                    body = _Body(response, self._limits.max_bytes)
                    async for piece in response.aiter_stream():
                        body.add(piece)
                    return body.content()
            url = target
        raise DownloadError(f"more than {_MAX_REDIRECTS} redirects")

    async def close(self) -> None:
        """Closes the connections that are kept."""
        await self._pool.aclose()


class _Body:
    """Collects the body of an answer that is one."""

    def __init__(self, response: httpcore.Response, max_bytes: int):
        """Raises DownloadError where the answer is none, or will be too long."""
        if not 200 <= response.status < 300:
            raise DownloadError(f"HTTP status {response.status}", response.status)
        headers = httpx.Headers(response.headers)
        encoding = headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            # Inflating could fill the memory, and nobody needs to compress an image.
            raise DownloadError(f"the answer is compressed ({encoding}), which was not asked for")
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        length = headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > max_bytes:
            raise self._too_large()

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._max_bytes:
            raise self._too_large()
        self._pieces.append(piece)

    def content(self) -> bytes:
        return b"".join(self._pieces)

    def _too_large(self) -> TooLargeError:
        return TooLargeError(f"more than {self._max_bytes:,} bytes")


def _request(url: httpx.URL, limits: Limits) -> httpcore.Request:
    if url.scheme not in ("http", "https"):
        raise DownloadError(f"the address leads to another scheme ({url.scheme or 'none'})")
    if not url.host:
        raise DownloadError("the address names no host")
    if url.port is not None and not 0 < url.port <= _LAST_PORT:
        raise DownloadError(f"there is no port {url.port}")
    headers = [
        (b"Host", url.netloc),
        (b"Accept", b"*/*"),
        (b"Accept-Encoding", b"identity"),
        (b"User-Agent", b"shelfsort"),
    ]
    waits = dict.fromkeys(("connect", "read", "write", "pool"), limits.wait_s)
    target = httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )
    return httpcore.Request("GET", target, headers=headers, extensions={"timeout": waits})


def _redirect(response: httpcore.Response, url: httpx.URL) -> httpx.URL | None:
    """Where an answer redirects to; None where it does not."""
    location = httpx.Headers(response.headers).get("Location")
    return url.join(location) if response.status in _REDIRECTS and location else None


@contextlib.contextmanager
def _as_download_errors() -> Iterator[None]:
    try:
        yield
    except (httpcore.TimeoutException, asyncio.TimeoutError, TimeoutError) as error:
        raise DownloadError(str(error) or "no whole answer in time") from error
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
        httpx.InvalidURL,
        OSError,
        ValueError,
    ) as error:
        raise DownloadError(str(error) or type(error).__name__) from error


def _permitted_addresses(found: Iterable[Any], host: str, permitted: AddressRule) -> list[str]:
    """The addresses among what `getaddrinfo` found that may be connected to, at least one."""
    addresses = dict.fromkeys(str(each[4][0]) for each in found)
    allowed = [address for address in addresses if permitted(address)]
    if not allowed:
        raise DownloadError(f"{host} is not on the public internet")
    return allowed


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to addresses that it has checked; what it reads and writes keeps to the deadline."""

    def __init__(self, permitted: AddressRule):
        self._permitted = permitted
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        *others, last = _permitted_addresses(found, host, self._permitted)
        for address in others:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._connected(address, port, timeout)
        return self._connected(last, port, timeout)

    def _connected(self, address: str, port: int, timeout: float | None) -> httpcore.NetworkStream:
        return _TimedStream(self._backend.connect_tcp(address, port, _left(timeout)))


class _TimedStream(httpcore.NetworkStream):
    """A stream that waits no longer than the download it serves may still take."""

    def __init__(self, stream: httpcore.NetworkStream):
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        content: bytes = self._stream.read(max_bytes, _left(timeout))
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(timeout: float | None) -> float:
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("no whole answer in time")
    return left if timeout is None else min(timeout, left)


class _AsyncCheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that it has checked."""

    def __init__(self, permitted: AddressRule):
        self._permitted = permitted
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        *others, last = _permitted_addresses(found, host, self._permitted)
        for address in others:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._backend.connect_tcp(address, port, timeout)
        return await self._backend.connect_tcp(last, port, timeout)
