"""Questions to a service: methods, headers, compressed and broken answers."""

import contextlib
import gzip
import json
import socket
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shelfsort.core.http import (
    Downloader,
    DownloadError,
    Limits,
    Request,
    TooLargeError,
    UnreachableError,
    is_company_address,
)

ROWS = json.dumps([{"id": number} for number in range(500)]).encode()


class Service(BaseHTTPRequestHandler):
    """Repeats what it was asked, compresses, cuts answers off, and leads elsewhere."""

    protocol_version = "HTTP/1.1"
    # Else the second packet of an answer waits for the acknowledgement of the first: 40 ms.
    disable_nagle_algorithm = True

    def do_GET(self):
        packed = gzip.compress(ROWS)
        match self.path:
            case "/gzip":
                self._answer(packed, encoding="GZIP")
            case "/deflate":
                self._answer(zlib.compress(ROWS), encoding="deflate")
            case "/bomb":
                self._answer(gzip.compress(bytes(50_000_000)), encoding="gzip")
            case "/half-gzip":
                self._answer(packed[:-20], encoding="gzip")
            case "/no-gzip":
                self._answer(ROWS, encoding="gzip")
            case "/more":
                self._answer(packed + b"x" * 1000, encoding="gzip")
            case "/brotli":
                self._answer(ROWS, encoding="br")
            case "/cut":
                self._answer(ROWS[:100], length=len(ROWS))
                self.close_connection = True
            case "/moved":
                self._answer(b"", status=302, more={"Location": "/gzip"})
            case "/links":
                self._answer(b"[]", more={"Link": '</a?page=2>; rel="next", </a>; rel="last"'})
            case _:
                self._answer(b"none", status=404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = {name.lower(): value for name, value in self.headers.items()}
        self._answer(json.dumps([self.path, asked, body.decode()]).encode())

    def _answer(self, body, *, status=200, encoding="", length=None, more=None):
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(body)))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        for name, value in (more or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Keeps the test's output clean."""


@pytest.fixture(scope="module")
def service():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    downloader = Downloader(Limits(max_bytes=100_000, total_s=20), is_company_address)

    def ask(path, **more):
        return downloader.ask(Request(f"http://127.0.0.1:{server.server_port}{path}", **more))

    with contextlib.closing(downloader):
        yield ask
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("path", ["/gzip", "/deflate"])
def test_a_compressed_answer_is_inflated(service, path):
    answer = service(path)
    assert (answer.status, answer.body) == (200, ROWS)
    assert answer.headers["content-length"] == answer.headers["Content-Length"]


def test_a_body_and_headers_are_sent(service):
    headers = {"X-Key": "k", "Accept": "text/x"}
    answer = service("/ids", method="POST", headers=headers, body=b'["1"]')
    path, asked, body = json.loads(answer.body)
    assert (path, body, asked["x-key"], asked["accept"]) == ("/ids", '["1"]', "k", "text/x")
    assert (asked["accept-encoding"], asked["user-agent"]) == ("gzip", "shelfsort")


def test_every_status_is_an_answer_and_redirects_are_not_followed(service):
    assert (service("/none").status, service("/none").body) == (404, b"none")
    moved = service("/moved")
    assert (moved.status, moved.headers["Location"]) == (302, "/gzip")


def test_links_are_resolved(service):
    links = service("/links").links
    assert {name: url.partition("/a")[2] for name, url in links.items()} == {
        "next": "?page=2",
        "last": "",
    }


def test_an_answer_that_grows_beyond_the_limit_is_too_large(service):
    with pytest.raises(TooLargeError):
        service("/bomb")


@pytest.mark.parametrize("path", ["/no-gzip", "/more", "/brotli"])
def test_an_answer_that_cannot_be_inflated_is_an_error_that_stays(service, path):
    with pytest.raises(DownloadError) as caught:
        service(path)
    assert not caught.value.passing


@pytest.mark.parametrize("path", ["/cut", "/half-gzip"])
def test_an_answer_that_was_cut_off_may_come_whole_the_next_time(service, path):
    with pytest.raises(DownloadError) as caught:
        service(path)
    assert caught.value.passing


def test_a_refused_address_is_unreachable():
    downloader = Downloader(Limits(max_bytes=100))
    with contextlib.closing(downloader), pytest.raises(UnreachableError) as caught:
        downloader.ask(Request("http://127.0.0.1:1/"))
    assert not caught.value.passing


@pytest.mark.parametrize(
    ("address", "permitted"),
    [
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("192.168.1.1", True),
        ("100.64.0.1", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("fd12::1", True),
        ("::ffff:10.0.0.1", True),
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("169.254.169.254", False),
        ("168.63.129.16", False),
        ("100.100.100.200", False),
        ("::ffff:100.100.100.200", False),
        ("::ffff:169.254.169.254", False),
        ("fd00:ec2::254", False),
        ("fe80::1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("192.0.0.192", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("255.255.255.255", False),
        ("::", False),
    ],
)
def test_a_company_s_addresses_are_permitted_but_no_metadata_service(address, permitted):
    assert is_company_address(address) is permitted


def test_closing_ends_what_others_wait_for():
    downloader = Downloader(Limits(max_bytes=100), is_company_address)
    ended = []

    def ask(url):
        try:
            downloader.ask(Request(url))
        except BaseException as error:
            ended.append(type(error))

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        thread = threading.Thread(target=ask, args=(url,), daemon=True)
        thread.start()
        silent.accept()
        downloader.close()
        thread.join(20)
    assert len(ended) == 1 and not thread.is_alive()
