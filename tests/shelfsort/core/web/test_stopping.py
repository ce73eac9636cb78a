"""A web server that is told to stop, over a real socket."""

import asyncio
import contextlib
import socket
import threading
import time

import httpx
import pytest
from starlette.responses import Response
from starlette.routing import Route

from shelfsort.core.web import server as web_server
from shelfsort.core.web.application import application
from shelfsort.core.web.server import WebServer
from tests.fixtures.slow_answer import Slow

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"


async def large_answer(request):
    await request.body()
    return Response(b"x" * 20_000_000)


APP = application([Route("/", large_answer, methods=["GET", "POST"])], max_body_bytes=10)


def test_stopping_answers_what_is_in_hand_and_takes_nothing_new():
    slow = Slow()
    stopping = threading.Thread(target=slow.server.stop, args=(30,))
    stopping.start()
    time.sleep(0.4)
    with pytest.raises(httpx.ConnectError):
        httpx.get(slow.server.url)
    assert stopping.is_alive()
    slow.finish()
    stopping.join(30)
    assert slow.outcome.content == b"answered"
    assert slow.outcome.headers["connection"] == "close"


def test_stopping_cuts_off_what_outlasts_the_grace():
    slow = Slow()
    began = time.monotonic()
    slow.server.stop(grace=1)
    assert time.monotonic() - began < 5
    slow.finish()
    assert isinstance(slow.outcome, httpx.HTTPError)


def stopped_in(server, grace, seconds):
    """Whether stopping the server ends in time, whatever its loop does."""
    stopping = threading.Thread(target=server.stop, args=(grace,), daemon=True)
    stopping.start()
    stopping.join(seconds)
    return not stopping.is_alive()


def test_a_clock_set_back_for_a_moment_does_not_keep_the_server_from_stopping(monkeypatch):
    server = WebServer(APP)
    server.start()
    assert httpx.get(server.url).status_code == 200
    # Only this loop's clock: other servers of the process read the process's.
    with monkeypatch.context() as patch:
        patch.setattr(server._server._loop, "time", lambda: time.monotonic() - 3600)
        time.sleep(0.5)
    assert stopped_in(server, 1, 20)
    # Left behind, it would still hold its port.
    with WebServer(APP, port=server.port):
        pass


def test_an_application_that_ignores_its_cancellation_is_left_behind(caplog, monkeypatch):
    monkeypatch.setattr(web_server, "_OVERDUE_SECONDS", 1.0)
    asked, go = threading.Event(), threading.Event()

    async def stubborn(request):
        asked.set()
        while not go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.1)
        return Response(b"at last")

    server = WebServer(application([Route("/", stubborn)], max_body_bytes=10))
    server.start()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert asked.wait(30)
        assert stopped_in(server, 0, 20)
    go.set()
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize("sent", [b"", b"GET / HT", GET, GET * 3, POST, POST + b"\r\nhalf"])
def test_stopping_takes_no_longer_than_the_grace_whatever_a_client_does(sent):
    server = WebServer(APP)
    server.start()
    # It neither reads nor goes away.
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(sent)
        time.sleep(0.3)
        assert stopped_in(server, 1, 15)


def test_a_server_that_never_started_stops_and_frees_its_port():
    server = WebServer(APP)
    server.stop()
    with WebServer(APP, port=server.port):
        pass
