"""The REST API over HTTP: bodies are unpacked and answered by threads, beside the event loop."""

import asyncio
import ssl
import zlib
from concurrent.futures import ThreadPoolExecutor

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from serving.server.rest_api import Reply, RestApi
from shelfsort.core.web.application import application
from shelfsort.core.web.server import WebServer

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_CLOSE = {"Connection": "close"}


class HttpServer:
    """Serves a RestApi on a port.

    Args:
        api: what answers.
        host, port: to listen on; port 0 takes a free one.
        max_body_bytes: of a request, also after decompression; more is refused with 413.
        max_connections: at once; more are turned away with 503.
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
        # A connection has one request in hand at a time: none waits for a thread.
        self._threads = ThreadPoolExecutor(max_connections, thread_name_prefix="rest")
        endpoint = _Endpoint(api, self._threads, max_body_bytes)
        self._server = WebServer(
            application([Route("/{path:path}", endpoint)], max_body_bytes=max_body_bytes),
            host,
            port,
            max_connections=max_connections,
            tls=tls,
        )

    @property
    def port(self) -> int:
        """The port that was opened."""
        return self._server.port

    def start(self) -> None:
        """Begins to accept connections."""
        self._server.start()

    def stop(self, grace: float) -> None:
        """Accepts no more, waits up to `grace` seconds for requests in hand, closes the rest."""
        self._server.stop(grace)
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Endpoint:
    """Every path: the RestApi has routes of its own, which name what is wrong with a path."""

    def __init__(self, api: RestApi, threads: ThreadPoolExecutor, max_body_bytes: int):
        self._api = api
        self._threads = threads
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        loop = asyncio.get_running_loop()
        reply = await loop.run_in_executor(self._threads, self._reply, request, body)
        answer = Response(reply.body, reply.status, {"Content-Type": reply.content_type})
        await answer(scope, receive, send)

    def _reply(self, request: Request, body: bytes) -> Reply:
        if request.method not in _METHODS:
            raise HTTPException(501, f"Unsupported method: {request.method}")
        if request.headers.get("content-encoding", "").lower() == "gzip":
            body = self._unzip(body)
        return self._api.handle(request.method, request.scope["raw_path"].decode("latin-1"), body)

    def _unzip(self, body: bytes) -> bytes:
        inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            plain = inflater.decompress(body, self._max_body_bytes + 1)
        except zlib.error as error:
            raise HTTPException(400, f"The body is not gzip: {error}", _CLOSE) from error
        if len(plain) > self._max_body_bytes:
            message = f"The body is larger than {self._max_body_bytes} bytes, the limit"
            raise HTTPException(413, message, _CLOSE)
        return plain
