"""Applications and their server, over a real socket."""

import contextlib
import logging
import socket
import time

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from shelfsort.core.errors import InputError
from shelfsort.core.web import server as web_server
from shelfsort.core.web.application import STYLE_SHEET, application, pages
from shelfsort.core.web.protection import CONTENT_SECURITY_POLICY
from shelfsort.core.web.server import WebServer
from shelfsort.core.web.token import access_token
from tests.fixtures.slow_answer import Slow

TOKEN = "a-token-for-the-tests"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def home(request: Request) -> Response:
    return HTMLResponse("<h1>Home</h1>")


async def echo(request: Request) -> Response:
    return JSONResponse({"bytes": len(await request.body()), "query": str(request.url.query)})


async def broken(request: Request) -> Response:
    raise ZeroDivisionError("a secret of the program")


ROUTES = [
    Route("/", home),
    Route("/echo", echo, methods=["GET", "POST"]),
    Route("/broken", broken),
]


@pytest.fixture
def client():
    """Starts servers of applications, and makes a client of each."""
    opened = []

    def start(app, **options):
        server = WebServer(app, **options)
        server.start()
        opened.append((httpx.Client(base_url=server.url, timeout=30), server))
        return opened[-1][0]

    yield start
    for a_client, server in opened:
        a_client.close()
        server.stop(grace=1)


@pytest.fixture
def page(client):
    """A client of pages that ask for a token."""
    return client(pages(ROUTES, token=TOKEN, max_body_bytes=1000))


def connection_to(a_client) -> socket.socket:
    address = (a_client.base_url.host, a_client.base_url.port)
    return socket.create_connection(address, timeout=10)


def raw(a_client, data: bytes, pause: float = 0) -> bytes:
    """What the server answers to these bytes until it closes or resets the connection.

    Args:
        pause: seconds before the client begins to read.
    """
    received = b""
    with connection_to(a_client) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(data)
        time.sleep(pause)
        while chunk := connection.recv(1 << 20):
            received += chunk
    return received


def test_a_page_and_the_style_sheet_are_served(page):
    assert page.get("/", headers=BEARER).text == "<h1>Home</h1>"
    sheet = page.get(STYLE_SHEET, headers=BEARER)
    assert sheet.headers["content-type"].startswith("text/css")
    assert "--paper" in sheet.text


@pytest.mark.parametrize("path", ["/", "/missing", "/broken", STYLE_SHEET])
@pytest.mark.parametrize("headers", [{}, BEARER])
def test_every_answer_carries_the_security_headers(page, path, headers):
    answer = page.get(path, headers=headers).headers
    assert answer["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer["x-content-type-options"] == "nosniff"
    assert answer["x-frame-options"] == "DENY"
    assert answer["referrer-policy"] == "no-referrer"
    assert answer["cache-control"] == "no-store"
    assert "server" not in answer


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/missing", 404), ("POST", "/", 405), ("GET", "/broken", 500)],
)
def test_errors_are_json(page, method, path, status):
    answer = page.request(method, path, headers=BEARER)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer another-token"},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer \xe9".encode("latin-1")},
        {"Cookie": f"shelfsort={TOKEN}"},
    ],
)
def test_a_request_without_the_token_is_refused(page, headers):
    answer = page.get("/", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_in_the_address_becomes_a_cookie(page):
    answer = page.get("/echo", params={"token": TOKEN, "a": "1 2", "b": ""})
    assert (answer.status_code, answer.headers["location"]) == (303, "/echo?a=1+2&b=")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert TOKEN not in cookie
    assert page.get(answer.headers["location"]).json()["query"] == "a=1+2&b="


@pytest.mark.parametrize("path", ["//elsewhere.example/", "/\\elsewhere.example/"])
def test_the_exchange_leads_to_no_other_host(page, path):
    head = f"GET {path}?token={TOKEN} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = raw(page, head.encode())
    location = next(line for line in answer.split(b"\r\n") if line.startswith(b"location:"))
    assert location in (b"location: /elsewhere.example/", b"location: /%5Celsewhere.example/")


def test_a_wrong_token_in_the_address_gives_no_cookie(page):
    answer = page.get("/", params={"token": "another"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_a_token_in_the_address_lets_nobody_post(page):
    assert page.post("/echo", params={"token": TOKEN}).status_code == 401


def test_without_a_token_everybody_is_let_in(client):
    assert client(pages(ROUTES, token=None)).get("/").status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8080", 200),
        ("127.0.0.1", 200),
        ("[::1]:8080", 200),
        ("rebound.example", 400),
        ("localhost.rebound.example", 400),
        ("rebound.example@localhost", 400),
        ("", 400),
    ],
)
def test_only_names_of_loopback_are_answered(page, host, status):
    assert page.get("/", headers={**BEARER, "Host": host}).status_code == status


def test_other_names_are_answered_where_they_are_given(client):
    named = client(pages(ROUTES, token=None, hosts=["Review.example"]))
    assert named.get("/", headers={"Host": "review.example"}).status_code == 200
    assert named.get("/", headers={"Host": "localhost"}).status_code == 400
    anywhere = client(pages(ROUTES, token=None, hosts=None))
    assert anywhere.get("/", headers={"Host": "anything.example"}).status_code == 200


@pytest.mark.parametrize("origin", ["http://localhost:1", "https://evil.example", "null"])
def test_a_page_of_another_site_changes_nothing(page, origin):
    headers = {**BEARER, "Origin": origin}
    assert page.post("/echo", headers=headers).status_code == 403
    assert page.get("/echo", headers=headers).status_code == 200


def test_a_page_of_the_same_site_may_post(page):
    own = str(page.base_url).rstrip("/")
    assert page.post("/echo", headers={**BEARER, "Origin": own}).status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused(page, chunked):
    def body(size):
        return iter([b"x" * (size // 2), b"x" * (size - size // 2)]) if chunked else b"x" * size

    taken = page.post("/echo", content=body(1000), headers=BEARER)
    assert (taken.status_code, taken.json()["bytes"]) == (200, 1000)
    refused = page.post("/echo", content=body(1001), headers=BEARER)
    assert (refused.status_code, list(refused.json())) == (413, ["error"])
    assert refused.headers["connection"] == "close"


def test_a_failure_is_logged_without_the_token(page, caplog):
    with caplog.at_level(logging.DEBUG):
        page.get("/", params={"token": TOKEN})
        page.get("/broken", params={"x": "1"}, headers=BEARER)
    assert "GET /broken failed" in caplog.messages
    server_lines = [r.getMessage() for r in caplog.records if not r.name.startswith("httpx")]
    assert not any(TOKEN in line for line in server_lines)


def test_a_client_that_vanishes_within_its_body_is_no_failure(page, caplog):
    head = f"POST /echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    with connection_to(page) as connection:
        connection.sendall(f"{head}Content-Length: 900\r\n\r\nhalf".encode())
        time.sleep(0.1)
    assert page.get("/", headers=BEARER).status_code == 200
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_the_token_comes_from_the_environment_or_is_random(monkeypatch):
    monkeypatch.setenv("SHELFSORT_TOKEN", TOKEN)
    assert access_token() == TOKEN
    monkeypatch.delenv("SHELFSORT_TOKEN")
    assert len(access_token()) >= 32
    assert access_token() != access_token()


@pytest.mark.parametrize("given", ["short", "sixteen and more, but with blanks", "é" * 20])
def test_a_weak_token_is_an_input_error(monkeypatch, given):
    monkeypatch.setenv("SHELFSORT_TOKEN", given)
    with pytest.raises(InputError) as refusal:
        access_token()
    assert given not in str(refusal.value)


def test_the_server_listens_on_loopback_and_states_its_port():
    with WebServer(application(ROUTES, max_body_bytes=10)) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert httpx.get(server.url).status_code == 200


def test_a_taken_port_is_an_error():
    with WebServer(application(ROUTES, max_body_bytes=10)) as server, pytest.raises(OSError):
        WebServer(application(ROUTES, max_body_bytes=10), port=server.port)


def test_a_stopped_server_frees_its_port():
    app = application(ROUTES, max_body_bytes=10)
    with WebServer(app) as first:
        httpx.get(first.url)
    with WebServer(app, port=first.port) as second:
        assert httpx.get(second.url).status_code == 200


def test_an_answer_leaves_without_waiting_for_an_acknowledgement():
    with WebServer(application(ROUTES, max_body_bytes=10)) as server, httpx.Client() as a_client:
        assert a_client.get(server.url).status_code == 200
        (connection,) = server._server.server_state.connections
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_a_connection_too_many_takes_the_place_of_an_idle_one(client):
    a_client = client(application(ROUTES, max_body_bytes=10), max_connections=1)
    assert a_client.get("/").status_code == 200
    with connection_to(a_client) as second:
        second.sendall(GET)
        assert second.recv(12) == b"HTTP/1.1 200"
    assert a_client.get("/").status_code == 200


def test_where_all_connections_are_answered_one_more_is_turned_away():
    slow = Slow(max_connections=1)
    with socket.create_connection(("127.0.0.1", slow.server.port), timeout=10) as second:
        assert second.recv(12) == b"HTTP/1.1 503"
    slow.finish()
    slow.server.stop(grace=1)
    assert slow.outcome.content == b"answered"


def test_a_thousand_dripping_clients_keep_nobody_out(client):
    a_client = client(application(ROUTES, max_body_bytes=10), max_connections=20)
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(connection_to(a_client)).sendall(b"GET / HT")
        assert a_client.get("/").status_code == 200


@pytest.mark.parametrize("sent", [b"GET / HT", POST + b"\r\n"])
def test_a_request_that_drips_is_cut_off(client, sent):
    a_client = client(application(ROUTES, max_body_bytes=1000), request_seconds=0.5)
    with connection_to(a_client) as connection, pytest.raises(OSError):
        connection.sendall(sent)
        for _ in range(30):
            time.sleep(0.1)
            connection.sendall(b"x")


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"],
)
def test_a_silent_client_is_hung_up_on(client, monkeypatch, sent):
    monkeypatch.setattr(web_server, "IDLE_SECONDS", 0.2)
    assert raw(client(application(ROUTES, max_body_bytes=10)), sent) == b""


@pytest.mark.slow
def test_a_client_that_does_not_read_its_answer_is_hung_up_on(client, monkeypatch):
    monkeypatch.setattr(web_server, "IDLE_SECONDS", 0.2)
    large = Route("/", lambda request: Response(b"x" * 20_000_000))
    a_client = client(application([large], max_body_bytes=10))
    answer = raw(a_client, GET, pause=3)
    assert len(answer) < 20_000_000


def test_a_slow_answer_is_waited_for(client, monkeypatch):
    monkeypatch.setattr(web_server, "IDLE_SECONDS", 0.1)

    def slow(request):
        time.sleep(0.5)
        return Response(b"done")

    a_client = client(application([Route("/", slow)], max_body_bytes=10))
    assert a_client.get("/").content == b"done"


@pytest.mark.parametrize(
    "head",
    [b"GET /" + b"x" * 500_000, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000],
)
def test_an_endless_head_is_cut_off(client, head):
    a_client = client(application(ROUTES, max_body_bytes=10))
    answer = raw(a_client, head)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert a_client.get("/").status_code == 200


def test_trailers_are_no_headers_and_have_a_limit(client):
    async def late(request):
        await request.body()
        return Response(request.headers.get("x-late", "none"))

    a_client = client(application([Route("/", late, methods=["POST"])], max_body_bytes=10))
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    head += b"0\r\n"
    assert raw(a_client, head + b"x-late: yes\r\n\r\n").endswith(b"none")
    with connection_to(a_client) as connection, pytest.raises(OSError):
        connection.sendall(head)
        for _ in range(2000):
            connection.sendall(b"x: y\r\n" * 1000)
