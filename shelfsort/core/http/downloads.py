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
import socket
import ssl
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass

import aiohttp
import yarl
from aiohttp.abc import AbstractCookieJar
from aiohttp.client_exceptions import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientSSLError,
)
from aiohttp.connector import AddrInfoType

from shelfsort.core.http.addresses import AddressRule, is_public_address
from shelfsort.core.http.messages import Answer, Request, Unpacking

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 10
_CONNECTIONS = 32
_PIECE_BYTES = 1 << 16
# Shorter than any server keeps a connection: it must not close one that a request is sent on.
_KEPT_S = 2.0
_CLOSED_WITHIN_S = 5.0
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "shelfsort"}
_ASKING = {"Accept": "application/json", "Accept-Encoding": "gzip"}
_TOO_LATE = "no whole answer in time"


class DownloadError(Exception):
    """Nothing was fetched. The message says why, without the address.

    Attributes:
        status: the HTTP status, where that is why.
        passing: whether the same request may succeed a moment later.
    """

    def __init__(self, reason: str, status: int | None = None, *, passing: bool = False):
        super().__init__(reason)
        self.status = status
        self.passing = passing


class UnreachableError(DownloadError):
    """The host has no address, or none that may be connected to."""


class TooLargeError(DownloadError):
    """The body is longer than allowed."""


@dataclass(frozen=True)
class Limits:
    """What one download may take.

    Attributes:
        max_bytes: a longer body is refused.
        wait_s: seconds for connecting, and for each piece of the answer.
        total_s: seconds for everything: a free connection, the name, redirects and the body.
    """

    max_bytes: int
    wait_s: float = 20.0
    total_s: float = 120.0


class AsyncDownloader:
    """Fetches many at a time in one event loop. Connections are kept for a moment."""

    def __init__(
        self,
        limits: Limits,
        permitted: AddressRule = is_public_address,
        connections: int = _CONNECTIONS,
    ):
        """Made in the event loop that it is used in.

        Args:
            limits: of each download.
            permitted: which IP addresses may be connected to.
            connections: most at a time.
        """
        self._limits = limits
        self._permitted = permitted
        connector = aiohttp.TCPConnector(
            limit=connections,
            ssl=ssl.create_default_context(),
            keepalive_timeout=_KEPT_S,
            socket_factory=self._socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(
                total=limits.total_s, sock_connect=limits.wait_s, sock_read=limits.wait_s
            ),
            headers=_HEADERS,
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
        with _as_download_errors():
            return await asyncio.wait_for(self._followed(yarl.URL(url)), self._limits.total_s)

    async def ask(self, request: Request) -> Answer:
        """What a service answers, whatever the status. Redirects are not followed.

        Raises:
            TooLargeError: the body is longer than allowed, as it comes or decompressed.
            DownloadError: there is no whole answer.
        """
        with _as_download_errors():
            return await asyncio.wait_for(self._answered(request), self._limits.total_s)

    async def _answered(self, request: Request) -> Answer:
        async with self._session.request(
            request.method,
            _checked(yarl.URL(request.url)),
            headers={**_ASKING, **request.headers},
            data=request.body or None,
            allow_redirects=False,
        ) as response:
            try:
                encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
                body = await self._read(response, Unpacking(encoding))
            except ValueError as error:
                raise DownloadError(str(error)) from error
            links = {name: str(link["url"]) for name, link in response.links.items()}
            return Answer(response.status, response.headers, body, links)

    async def _followed(self, url: yarl.URL) -> bytes:
        for _ in range(_MAX_REDIRECTS + 1):
            async with self._session.get(_checked(url), allow_redirects=False) as response:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or not location:
                    return await self._body(response)
            url = url.join(yarl.URL(location))
        raise DownloadError(f"more than {_MAX_REDIRECTS} redirects")

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        if not 200 <= response.status < 300:
            raise DownloadError(f"HTTP status {response.status}", response.status)
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            # Inflating could fill the memory, and nobody needs to compress an image.
            raise DownloadError(
                f"the answer is compressed ({encoding[:40]}), which was not asked for"
            )
        return await self._read(response, Unpacking("identity"))

    async def _read(self, response: aiohttp.ClientResponse, unpacking: Unpacking) -> bytes:
        most = self._limits.max_bytes
        body = bytearray()
        if (response.content_length or 0) <= most:
            async for piece in response.content.iter_chunked(_PIECE_BYTES):
                body += unpacking.add(piece, most + 1 - len(body))
                if len(body) > most:
                    break
            else:
                if body and not unpacking.whole:
                    raise DownloadError("the answer was cut off", passing=True)
                return bytes(body)
        raise TooLargeError(f"more than {most:,} bytes")

    def _socket(self, address: AddrInfoType) -> socket.socket:
        """The socket of a connection about to be made. Raises _RefusedAddressError."""
        family, kind, protocol, _, peer = address
        if not self._permitted(str(peer[0])):
            raise _RefusedAddressError(errno.EADDRNOTAVAIL, "is not on the public internet")
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
        closing = asyncio.run_coroutine_threadsafe(downloader.close(), loop)
        closing.result(_CLOSED_WITHIN_S)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(_CLOSED_WITHIN_S)
    if not thread.is_alive():
        loop.close()


class _RefusedAddressError(OSError):
    """The rule does not permit a connection to the address."""


def _no_cookies() -> AbstractCookieJar:
    return aiohttp.DummyCookieJar()


def _checked(url: yarl.URL) -> yarl.URL:
    """An address that can be fetched, without the user that it may name. Raises DownloadError."""
    if url.scheme not in ("http", "https"):
        raise DownloadError(f"the address leads to another scheme ({url.scheme[:40] or 'none'})")
    if not url.host:
        raise DownloadError("the address names no host")
    if not url.port:
        raise DownloadError(f"there is no port {url.port}")
    return url.with_user(None)


@contextlib.contextmanager
def _as_download_errors() -> Iterator[None]:
    try:
        yield
    except DownloadError:
        raise
    except (TimeoutError, asyncio.TimeoutError) as error:
        raise DownloadError(_TOO_LATE, passing=True) from error
    except (ClientConnectorCertificateError, ClientSSLError) as error:
        raise DownloadError("its certificate is not valid for the name") from error
    except (aiohttp.InvalidURL, ValueError) as error:
        raise DownloadError("the address is not valid") from error
    except ClientConnectorError as error:
        raise _unconnected(error) from error
    except (aiohttp.ClientError, OSError) as error:
        raise DownloadError("the server did not answer in HTTP", passing=True) from error


def _unconnected(error: ClientConnectorError) -> DownloadError:
    """Why there is no connection; the message is the same for an inner name and for none."""
    unknown = isinstance(error, ClientConnectorDNSError)
    if unknown or isinstance(error.os_error, _RefusedAddressError):
        reason = f"{error.host} is not on the public internet"
        return UnreachableError(reason, passing=unknown)
    return DownloadError("the host accepts no connection", passing=True)
