"""HTTP/1.1 for the REST API: connections, bodies and limits, on the standard library."""

import contextlib
import logging
import select
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from serving.server import json_text
from serving.server.rest_api import Reply, RestApi

logger = logging.getLogger("shelfsort.serving")

# A connection that says nothing for so long is closed: threads are not for holding open doors.
IDLE_SECONDS = 60
_CHUNK_LINE_BYTES = 1024
_DRAIN_LOOK_SECONDS = 0.05


class _BadBodyError(Exception):
    """A body that cannot be taken: the reply, after which the connection is closed."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.reply = Reply(status, json_text.error_body(message))


class HttpServer:
    """Serves a RestApi on a port.

    Args:
        api: what answers.
        host, port: to listen on; port 0 takes a free one.
        max_body_bytes: of a request, also after decompression; more is refused with 413.
        max_connections: at once; more are closed at the door with 503.
        tls: wraps every connection.

    Raises:
        OSError: the port cannot be had.
    """

    def __init__(
        self,
        api: RestApi,
        host: str,
        port: int,
        max_body_bytes: int,
        max_connections: int,
        tls: ssl.SSLContext | None = None,
    ):
        self._server = _Listener((host, port), _Connection)
        self._server.setup(api, max_body_bytes, max_connections, tls)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="rest", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that was opened."""
        return self._server.server_address[1]

    def start(self) -> None:
        """Begins to accept connections."""
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Accepts no more, waits up to `grace` seconds for requests in hand, closes the rest."""
        self._server.shutdown()
        self._server.server_close()
        self._server.drain(grace)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    # Two servers on one port would share its calls, and nobody would know.
    allow_reuse_port = False

    def setup(
        self,
        api: RestApi,
        max_body_bytes: int,
        max_connections: int,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.api = api
        self.max_body_bytes = max_body_bytes
        self.draining = False
        self._tls = tls
        self._places = threading.Semaphore(max_connections)
        self._changed = threading.Condition()
        self._connections: set[socket.socket] = set()
        self._busy = 0

    def process_request(self, request: socket.socket, client_address: object) -> None:
        if not self._places.acquire(blocking=False):
            with contextlib.suppress(OSError):
                request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: socket.socket, client_address: object) -> None:
        try:
            if self._tls is not None:
                # Here rather than at the door, where one slow handshake would keep out everybody.
                request.settimeout(IDLE_SECONDS)
                request = self._tls.wrap_socket(request, server_side=True)
            with self._changed:
                self._connections.add(request)
            super().process_request_thread(request, client_address)
        except OSError:
            self.shutdown_request(request)
        finally:
            with self._changed:
                self._connections.discard(request)
            self._places.release()

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Marks a request as in hand."""
        with self._changed:
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def drain(self, grace: float) -> None:
        deadline = time.monotonic() + grace
        self.draining = True
        while self._in_hand() and time.monotonic() < deadline:
            with self._changed:
                self._changed.wait(_DRAIN_LOOK_SECONDS)
        with self._changed:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _in_hand(self) -> bool:
        """Whether a request is being answered, or has arrived and is about to be read."""
        with self._changed:
            if self._busy:
                return True
            arrived = select.poll()
            for connection in self._connections:
                if connection.fileno() >= 0:
                    arrived.register(connection, select.POLLIN)
        return bool(arrived.poll(0))

    def handle_error(self, request: object, client_address: object) -> None:
        # Clients that vanish are everyday life, and tracebacks about them hide the others.
        logger.debug("A REST connection ended with an error", exc_info=True)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "shelfsort"
    sys_version = ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    # Headers and body leave together.
    wbufsize = -1
    server: _Listener

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

    def _answer(self) -> None:
        with self.server.busy():
            try:
                reply = self.server.api.handle(
                    self.command, self.path.partition("?")[0], self._body()
                )
            except _BadBodyError as error:
                reply = error.reply
                self.close_connection = True
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        self.close_connection |= self.server.draining
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        self.wfile.flush()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b"".join(self._chunks())
        else:
            body = self._read(self._content_length())
        if self.headers.get("Content-Encoding", "").lower() == "gzip":
            return self._unzip(body)
        return body

    def _content_length(self) -> int:
        text = self.headers.get("Content-Length", "0").strip()
        if not (text.isascii() and text.isdigit()):
            raise _BadBodyError(400, f"Content-Length is no number: {text}")
        length = int(text) if len(text) < 20 else self.server.max_body_bytes + 1
        self._check_size(length)
        return length

    def _chunks(self) -> Iterator[bytes]:
        total = 0
        while size := self._chunk_size():
            total += size
            self._check_size(total)
            yield self._read(size)
            self.rfile.readline(_CHUNK_LINE_BYTES)
        while self.rfile.readline(_CHUNK_LINE_BYTES).strip():
            pass

    def _chunk_size(self) -> int:
        text = self.rfile.readline(_CHUNK_LINE_BYTES).partition(b";")[0].strip()
        try:
            size = int(text, 16)
        except ValueError:
            size = -1
        if size < 0:
            raise _BadBodyError(400, "A chunk's size is no hexadecimal number")
        return size

    def _read(self, size: int) -> bytes:
        body = self.rfile.read(size)
        if len(body) < size:
            raise _BadBodyError(400, "The body ends before its stated length")
        return body

    def _check_size(self, size: int) -> None:
        if size > self.server.max_body_bytes:
            raise _BadBodyError(
                413, f"The body is larger than {self.server.max_body_bytes} bytes, the limit"
            )

    def _unzip(self, body: bytes) -> bytes:
        inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            plain = inflater.decompress(body, self.server.max_body_bytes + 1)
        except zlib.error as error:
            raise _BadBodyError(400, f"The body is no gzip: {error}") from error
        self._check_size(len(plain))
        return plain

    def log_message(self, format: str, *args: object) -> None:
        logger.debug("REST: " + format, *args)
