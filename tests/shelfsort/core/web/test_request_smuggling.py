"""Requests whose end two servers could see differently (RFC 9112, 6.3), over a real socket."""

import contextlib
import re
import socket

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shelfsort.core.web.application import application
from shelfsort.core.web.server import WebServer

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
# The longest pause between two answers of one connection.
SILENCE = 1.0
CHUNKED = b"0\r\n\r\n"


async def path_and_bytes(request: Request) -> Response:
    return JSONResponse({"path": request.url.path, "bytes": len(await request.body())})


@pytest.fixture(scope="module")
def server():
    app = application(
        [Route("/{path:path}", path_and_bytes, methods=["GET", "POST"])], max_body_bytes=10_000
    )
    with WebServer(app) as running:
        yield running


def answers(server: WebServer, data: bytes) -> tuple[list[int], list[str]]:
    """Status codes and paths of what the server answers to these bytes, in their order.

    The end of what is sent stays open: a server may drop what waits when its client hangs up.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=SILENCE) as connection:
        connection.sendall(data)
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while part := connection.recv(65536):
                received += part
    codes = [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]
    return codes, [path.decode() for path in re.findall(rb'"path":"([^"]*)"', received)]


def post(*headers: bytes, body: bytes, host: bytes = b"Host: x") -> bytes:
    lines = [b"POST /first HTTP/1.1", host, *headers]
    return b"\r\n".join(line for line in lines if line) + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    "data",
    [
        post(b"Content-Length: 0", b"Content-Length: 35", body=HIDDEN),
        post(b"Content-Length: 35", b"Content-Length: 0", body=HIDDEN),
        post(b"Content-Length: 0, 35", body=HIDDEN),
        post(b"Content-Length: +35", body=HIDDEN),
        post(b"Content-Length: -1", body=HIDDEN),
        post(b"Content-Length: 0x23", body=HIDDEN),
        post(b"Content-Length: 3 5", body=HIDDEN),
        post(b"Content-Length: 99999999999999999999999", body=HIDDEN),
        post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=CHUNKED + HIDDEN),
        post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=CHUNKED + HIDDEN),
        post(b"Transfer-Encoding: identity", body=HIDDEN),
        post(b"Transfer-Encoding: xchunked", body=CHUNKED + HIDDEN),
        post(b"Transfer-Encoding: chunked, identity", body=CHUNKED + HIDDEN),
        post(b"Transfer-Encoding : chunked", body=CHUNKED + HIDDEN),
        post(b"Transfer-Encoding:\x0bchunked", body=CHUNKED + HIDDEN),
        post(b"Transfer-Encoding:", b" chunked", body=CHUNKED + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"+0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"0x0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"-1\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"ffffffffffffffff0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"1\r\nab\r\n0\r\n\r\n" + HIDDEN),
        post(b"X: a\0b", b"Content-Length: 0", body=HIDDEN),
    ],
)
def test_what_stands_behind_an_ambiguous_request_is_never_answered(server, data):
    codes, paths = answers(server, data)
    assert "/hidden" not in paths
    assert len(codes) <= 1


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
@pytest.mark.parametrize("hosts", [b"", b"Host: x\r\n", b"Host: x\r\nHost: y\r\n"])
def test_a_request_of_http_1_1_needs_one_host(server, version, hosts):
    codes, _ = answers(server, b"GET /first " + version + b"\r\n" + hosts + b"\r\n")
    refused = version == b"HTTP/1.1" and hosts.count(b"Host") != 1
    assert codes == [400 if refused else 200]


def test_requests_that_end_clearly_are_answered_one_after_another(server):
    chunked = post(b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n")
    sized = post(b"Content-Length: 3", body=b"abc")
    assert answers(server, chunked + sized + HIDDEN) == (
        [200, 200, 200],
        ["/first", "/first", "/hidden"],
    )
