"""The REST API over HTTP: bodies arrive in the event loop, and workers unpack and answer them."""

import asyncio
import contextlib
import ssl
import zlib
from collections.abc import Iterator

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from serving.server.budget import BYTES_PER_BYTE, Hold
from serving.server.calls import Caller
from serving.server.departures import SMALL_BYTES
from serving.server.descriptors import connections
from serving.server.intake import Intake
from serving.server.rest_api import METRICS_PATH, Reply, RestApi, error_reply
from serving.status import ServingError
from shelfsort.core.web.application import application
from shelfsort.core.web.server import WebServer

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_CLOSE = {"Connection": "close"}


class HttpServer:
    """Serves a RestApi on a port.

    Args:
        api: what answers.
        intake: brings requests to the workers.
        host, port: to listen on; port 0 takes a free one.
        tls: wraps every connection.

    Raises:
        OSError: the port cannot be had.
    """

    def __init__(
        self,
        api: RestApi,
        intake: Intake,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
    ):
        limits = intake.limits
        endpoint = _Endpoint(api, intake)
        self._server = WebServer(
            application([Route("/{path:path}", endpoint)], max_body_bytes=limits.max_message_bytes),
            host,
            port,
            max_connections=connections(limits.max_concurrent),
            request_seconds=limits.arrival_seconds,
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


class _Endpoint:
    """Every path: the RestApi has routes of its own, which name what is wrong with a path."""

    def __init__(self, api: RestApi, intake: Intake):
        self._api = api
        self._intake = intake
        self._arrivals = intake.arrivals()
        self._max_body_bytes = intake.limits.max_message_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._intake.budget.hold() as held:

            async def receive_on_account() -> Message:
                message = await receive()
                held.add(len(message.get("body", b"")))
                return message

            request = Request(scope, receive_on_account)
            if request.method not in _METHODS:
                raise HTTPException(501, f"Unsupported method: {request.method}")
            reply = await self._reply(request, receive, held)
        await self._send(reply, scope, receive, send)

    async def _send(self, reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
        size = len(reply.body)
        if size <= SMALL_BYTES:
            await _response(reply)(scope, receive, send)
            return

        async def send_and_wait(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            await send({**message, "more_body": True})
            # The end is sent after what lies unsent.
            await send({"type": "http.response.body"})

        try:
            sending = _response(reply)(scope, receive, send_and_wait)
            await self._intake.departures.of_connection(sending, size)
        except ServingError as error:
            sending.close()
            await _response(error_reply(error))(scope, receive, send)
        except asyncio.TimeoutError:
            # The answer is not whole, so the connection is closed.
            return

    async def _reply(self, request: Request, receive: Receive, held: Hold) -> Reply:
        try:
            body = await self._arrivals.of(request.body())
        except ServingError as error:
            # What still comes of the body is not read.
            reply = error_reply(error)
            return Reply(reply.status, reply.body, headers=_CLOSE)
        path = request.scope["raw_path"].decode("latin-1")
        method = request.method
        if method != "POST" or path == METRICS_PATH:
            return await self._intake.workers.run_aside(
                lambda: self._api.handle(method, path, body)
            )
        zipped = request.headers.get("content-encoding", "").lower() == "gzip"

        def answer(caller: Caller) -> Reply:
            plain = body
            if zipped:
                plain = self._unzip(body)
                caller.take(max(0, BYTES_PER_BYTE * len(plain) - self._max_body_bytes))
            return self._api.handle(method, path, plain, caller)

        # What a packed body unpacks to is known only afterwards.
        size = self._max_body_bytes // BYTES_PER_BYTE if zipped else len(body)
        try:
            self._intake.check_open()
            with _cancelled_when_gone(receive):
                return await self._intake.work(size, answer, lambda _: None, held)
        except ServingError as error:
            return error_reply(error)

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


def _response(reply: Reply) -> Response:
    headers = {"Content-Type": reply.content_type, **reply.headers}
    return Response(reply.body, reply.status, headers)


@contextlib.contextmanager
def _cancelled_when_gone(receive: Receive) -> Iterator[None]:
    """Cancels the current task when the client hangs up."""
    task = asyncio.current_task()

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if task is not None:
            task.cancel()

    watching = asyncio.ensure_future(watch())
    try:
        yield
    finally:
        watching.cancel()
