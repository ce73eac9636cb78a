"""Alarms posted to an address: signed, repeated, and never where they may not go."""

import hashlib
import hmac
import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shelfsort.core.errors import InputError, RunFailed
from shelfsort.decisions.monitoring.webhook import Webhook, post


class Receiver(ThreadingHTTPServer):
    """Takes posts; answers with the statuses that a test sets, then with 200."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses, self.taken = [], []
        self.url = f"http://127.0.0.1:{self.server_port}/hook/path-token"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def test_the_body_is_signed_with_its_time(receiver):
    post(Webhook(receiver.url, "key"), {"alarms": [{"category": "Bücher"}]})
    ((path, headers, body),) = receiver.taken
    assert path == "/hook/path-token"
    assert json.loads(body) == {"alarms": [{"category": "Bücher"}]}
    signed = headers["X-Shelfsort-Timestamp"].encode() + b"." + body
    expected = hmac.new(b"key", signed, hashlib.sha256).hexdigest()
    assert headers["X-Shelfsort-Signature"] == f"sha256={expected}"


def test_without_a_key_there_is_no_signature(receiver):
    post(Webhook(receiver.url), {})
    assert "X-Shelfsort-Signature" not in receiver.taken[0][1]


def test_it_tries_again_while_the_server_is_busy_and_says_which_delivery_it_is(receiver):
    receiver.statuses, waited = [503, 429], []
    post(Webhook(receiver.url), {}, waited.append)
    assert waited == [1.0, 4.0]
    assert len({headers["X-Shelfsort-Delivery"] for _, headers, _ in receiver.taken}) == 1


@pytest.mark.parametrize(("statuses", "tries"), [([500] * 9, 3), ([404], 1), ([302], 1)])
def test_it_gives_up_without_naming_the_path_or_the_key(receiver, statuses, tries):
    receiver.statuses = statuses
    hook = Webhook(receiver.url, "the-key")
    with pytest.raises(RunFailed) as failed:
        post(hook, {}, lambda _: None)
    assert len(receiver.taken) == tries
    said = f"{failed.value} {hook!r} {hook}"
    assert "path-token" not in said and "the-key" not in said


def test_a_name_that_leads_inside_is_not_connected_to(receiver, monkeypatch):
    found = socket.getaddrinfo

    def inside(host, *others, **more):
        return found("127.0.0.1" if host == "hooks.example" else host, *others, **more)

    monkeypatch.setattr(socket, "getaddrinfo", inside)
    hook = Webhook(f"https://hooks.example:{receiver.server_port}/")
    with pytest.raises(RunFailed, match="not on the public internet"):
        post(hook, {}, lambda _: None)
    for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "64:ff9b::7f00:1", "::1"):
        assert not hook.permits(address)


def test_which_addresses_are_permitted():
    inside = Webhook("http://hooks.corp/", inside=True)
    assert inside.permits("10.0.0.1") and not inside.permits("169.254.169.254")
    own = Webhook("http://localhost:9/")
    assert own.permits("127.0.0.1") and own.permits("::1") and not own.permits("10.0.0.1")
    assert Webhook("https://hooks.example/").permits("93.184.216.34")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "ftp://hooks.example/",
        "https://",
        "https://user:word@hooks.example/",
        "https://hooks.example:0/",
        "https://hooks.example:99999/",
        "hooks.example",
    ],
)
def test_an_address_that_is_none_or_is_read_by_others_is_refused(url):
    with pytest.raises(InputError) as refused:
        Webhook(url)
    assert "word" not in str(refused.value)


def test_a_missing_package_is_said_before_there_is_an_alarm(monkeypatch):
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    for name in [each for each in sys.modules if each.startswith("shelfsort.core.http")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(InputError, match="aiohttp"):
        Webhook("https://hooks.example/")
