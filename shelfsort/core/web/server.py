"""Runs an ASGI application on uvicorn, in a thread, with the limits that uvicorn lacks."""

import asyncio
import contextlib
import errno
import logging
import math
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.flow_control import CLOSE_HEADER

from shelfsort.core.errors import InputError
from shelfsort.core.web.listening import Listener

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol as HttpProtocol
else:
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as HttpProtocol

logger = logging.getLogger("shelfsort.web")

# A connection on which the client neither sends nor reads for so long is closed.
IDLE_SECONDS = 60.0
REQUEST_SECONDS = 60.0
"""In which a request must have arrived, from its first byte to its last."""
_LOOK_SECONDS = 1.0
MAX_HEAD_BYTES = 1 << 16
# What has arrived when the server stops is read within this time.
_SETTLE_SECONDS = 0.05
# The loop is woken this often while it is to stop, and left behind this long after the grace.
_WAKE_SECONDS = 0.2
_OVERDUE_SECONDS = 5.0
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class WebServer:
    """Serves an application on a port, beside whatever else the process does.

    Args:
        app: what answers.
        host: address to listen on.
        port: to listen on; 0 takes a free one.
        max_connections: at once. One more takes the place of the oldest that is idle or still
            sending its request; where all are being answered, it is turned away with 503.
        request_seconds: in which a request must have arrived.
        tls: wraps every connection.

    Use it as a context manager, or call `start` and `stop`.

    Raises:
        OSError: the port cannot be had.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        max_connections: int = 100,
        request_seconds: float | None = None,
        tls: ssl.SSLContext | None = None,
    ):
        self._host = host
        self._scheme = "https" if tls else "http"
        self._socket = Listener(host, port, max_connections)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            http=_Connection,
            ws="none",
            lifespan="off",
            # Applications log their own failures; what strangers send is not worth a line.
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            # uvicorn counts the connection that it looks at among the others.
            limit_concurrency=max_connections + 1,
            timeout_keep_alive=math.ceil(IDLE_SECONDS),
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        )
        config.load()
        config.ssl = tls
        config.request_seconds = request_seconds  # type: ignore[attr-defined]
        config.listener = self._socket  # type: ignore[attr-defined]
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="web", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it answers: scheme, host and port."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{self._scheme}://{host}:{self.port}"

    def start(self) -> None:
        """Begins to accept connections."""
        self._thread.start()

    def stop(self, grace: float = 30.0) -> None:
        """Accepts no more, waits up to `grace` seconds for requests in hand, closes the rest.

        Returns soon after the grace in any case. An application that ignores its cancellation is
        left behind in its thread, which does not keep the process alive.
        """
        self._server.config.timeout_graceful_shutdown = math.ceil(grace)
        self._server.should_exit = True
        if self._thread.ident is None:
            self._socket.close()
            return
        ends = time.monotonic() + math.ceil(grace) + _OVERDUE_SECONDS
        while self._thread.is_alive() and time.monotonic() < ends:
            # A loop that saw the clock set back sleeps until the clock is there again.
            self._server.wake()
            self._thread.join(_WAKE_SECONDS)
        if self._thread.is_alive():
            logger.error("%s did not stop: a request ignored its end", self.url)

    def __enter__(self) -> "WebServer":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def page_server(app: ASGIApp, host: str, port: int, max_connections: int = 100) -> WebServer:
    """A server of a command with the option --port.

    Raises:
        InputError: the port cannot be had.
    """
    try:
        return WebServer(app, host, port, max_connections=max_connections)
    except OSError as error:
        option, remedy = "--port", "Give another one; 0 takes a free one."
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            option, remedy = "--host", "Give an address of this machine."
        raise InputError(
            f"{option}: cannot listen on {host}, port {port} ({error.strerror}). {remedy}"
        ) from error


class _Server(uvicorn.Server):
    """Reads what has arrived before it closes idle connections, and cuts off what outlasts it."""

    _loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Makes the loop look at its timers again; safe from any thread, and after its end."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(lambda: None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await asyncio.sleep(_SETTLE_SECONDS)
        try:
            await super().shutdown(sockets)
        finally:
            # A cancelled request may still wait for a client that reads nothing.
            for connection in list(self.server_state.connections):
                connection.transport.abort()


class _Connection(HttpProtocol):
    """Limits connections, their silence, and how long and how large a request may arrive."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        listener: Listener = self.config.listener  # type: ignore[attr-defined]
        listener.opened(transport.get_extra_info("socket").fileno())
        now = self.loop.time()
        self._head_bytes = 0
        self._trailer_bytes = 0
        self._has_head = False
        self._unsent = 0
        # When the client last did anything; and when its request began, while that is arriving.
        self._active = now
        self._began: float | None = None
        self._request_seconds = getattr(self.config, "request_seconds", None) or REQUEST_SECONDS
        self._watch = self.loop.call_later(_pause(self._request_seconds), self._look)
        if len(self.connections) >= (self.limit_concurrency or math.inf):
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._has_head = False
        super().on_message_begin()  # type: ignore[misc]

    def on_headers_complete(self) -> None:
        self._has_head = True
        self._trailer_bytes = 0
        super().on_headers_complete()  # type: ignore[misc]

    def on_header(self, name: bytes, value: bytes) -> None:
        """Leaves out trailers, which would stand among the headers, and bounds them.

        Of the two parsers that uvicorn may use, one knows no difference and no limit.
        """
        if not self._has_head:
            super().on_header(name, value)  # type: ignore[misc]
            return
        self._trailer_bytes += len(name) + len(value)
        if self._trailer_bytes > MAX_HEAD_BYTES:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self._active = self.loop.time()
        self._head_bytes += len(data)
        super().data_received(data)
        between = self._is_between_requests()
        if between or self.cycle.more_body:
            self._began = self._began or self._active
        else:
            self._began = None
        if not between:
            self._head_bytes = 0
        elif self._head_bytes > MAX_HEAD_BYTES:
            # Of the two parsers that uvicorn may use, one has no limit of its own.
            self.transport.abort()

    def shutdown(self) -> None:
        super().shutdown()
        if not self.transport.is_closing():
            self.cycle.default_headers = [*self.cycle.default_headers, CLOSE_HEADER]

    def _is_between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_being_answered(self) -> bool:
        return not self._is_between_requests() and not self.cycle.more_body

    def _make_room(self) -> None:
        """Closes the oldest connection that has no whole request in hand, or else this one."""
        others = [
            each
            for each in self.connections
            if isinstance(each, _Connection) and each is not self and not each._is_being_answered()
        ]
        if others:
            oldest = min(others, key=lambda each: each._began or each._active)
            self.connections.discard(oldest)
            oldest.transport.abort()
            return
        self.connections.discard(self)
        self.transport.write(_FULL)
        self.transport.close()

    def _look(self) -> None:
        """Closes the connection if the client is idle or its request takes too long."""
        now = self.loop.time()
        unsent = self.transport.get_write_buffer_size()
        taken = unsent != self._unsent and not self.transport.is_closing()
        if taken or (self._is_being_answered() and not unsent):
            self._active = now
        self._unsent = unsent
        late = self._began is not None and now - self._began > self._request_seconds
        if late or now - self._active > IDLE_SECONDS:
            self.transport.abort()
            return
        self._watch = self.loop.call_later(_pause(self._request_seconds), self._look)


def _pause(request_seconds: float) -> float:
    """Seconds between two looks at a connection."""
    return min(_LOOK_SECONDS, IDLE_SECONDS / 2, request_seconds / 2)
