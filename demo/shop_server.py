"""The picture server of the demo's shop: whole pictures, slow ones, endless ones and dead links."""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST, SLOW_HOST, DEAD_HOST = "127.0.0.1", "127.0.0.2", "127.0.0.3"
"""Addresses of this machine alone. At the last one nobody answers."""
SLOW_S = 1.0
_STEP_S = 0.25
_ROBOTS = b"User-agent: *\nDisallow: /private/\n"
_PAGE = b"<!doctype html><title>Sold out</title><p>This photo has moved."


@dataclass
class PictureServer:
    """A running server.

    Attributes:
        port: that it listens at.
        pictures: by path; a path below `/slow/` answers after `SLOW_S`, below `/stream/` it never
            ends, and below `/page/` there is a web page. Other paths are gone (404).
    """

    port: int
    pictures: Mapping[str, bytes] = field(default_factory=dict)


@contextlib.contextmanager
def picture_server() -> Iterator[PictureServer]:
    """Serves at a free port of two loopback addresses while the context lasts."""
    with _listening(HOST, 0) as first, _listening(SLOW_HOST, first.server_port) as second:
        first.shop = second.shop = PictureServer(first.server_port)
        yield first.shop


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator["_Server"]:
    server = _Server((host, port), _Handler)
    thread = threading.Thread(target=server.serve_forever, name="pictures", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    shop: PictureServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing of clients that have had enough."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else the second packet of an answer waits for the acknowledgement of the first: 40 ms.
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        pictures = self.server.shop.pictures
        if self.path == "/robots.txt":
            self._answer(200, "text/plain", _ROBOTS)
        elif self.path.startswith("/page/"):
            self._answer(200, "text/html", _PAGE)
        elif self.path.startswith("/stream/"):
            self._stream()
        elif self.path in pictures:
            if self.path.startswith("/slow/"):
                time.sleep(SLOW_S)
            self._answer(200, "application/octet-stream", pictures[self.path])
        else:
            self._answer(404, "text/plain", b"gone")

    def _answer(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Connection", "close")
        self.end_headers()
        # Until the client has had enough of it.
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b"\xff")
                time.sleep(_STEP_S)

    def log_message(self, *_: object) -> None:
        """Says nothing: the client tells what it found."""
