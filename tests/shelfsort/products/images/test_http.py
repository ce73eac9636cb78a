import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shelfsort.products.images.http import download, is_public_address
from shelfsort.products.manifest.rejects import RejectedLine


class Shop(BaseHTTPRequestHandler):
    """Serves one picture, a redirect to it, and one to a file."""

    asked: list[str]

    def do_GET(self):
        self.asked.append(self.path)
        if self.path == "/a.jpg":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"picture")
        elif self.path in ("/moved", "/to-file"):
            self.send_response(302)
            self.send_header(
                "Location", "/a.jpg" if self.path == "/moved" else "file:///etc/passwd"
            )
            self.end_headers()
        else:
            self.send_error(404)

    def log_message(self, *_):
        """Keeps the test's output clean."""


@pytest.fixture
def shop():
    handler = type("Handler", (Shop,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler.asked
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(url, max_bytes=100, permitted=lambda address: True):
    return download(url, max_bytes, 5, permitted)


def test_a_picture_is_fetched_and_redirects_are_followed(shop):
    url, _ = shop
    assert fetch(url + "/a.jpg") == b"picture"
    assert fetch(url + "/moved") == b"picture"


def test_a_private_address_is_refused_before_it_is_asked(shop):
    url, asked = shop
    with pytest.raises(RejectedLine, match="not on the public internet"):
        fetch(url + "/a.jpg", permitted=is_public_address)
    with pytest.raises(RejectedLine, match="not on the public internet"):
        fetch(url.replace("127.0.0.1", "localhost") + "/a.jpg", permitted=is_public_address)
    assert asked == []


def test_a_redirect_to_a_file_is_refused(shop):
    with pytest.raises(RejectedLine, match="missing_image"):
        fetch(shop[0] + "/to-file")


def test_a_missing_picture_is_reported_with_its_status(shop):
    with pytest.raises(RejectedLine, match="HTTP status 404"):
        fetch(shop[0] + "/none")


def test_a_body_above_the_limit_is_too_large(shop):
    with pytest.raises(RejectedLine, match="image_too_large"):
        fetch(shop[0] + "/a.jpg", max_bytes=6)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[bad/", "http:///x", "http://a b/"])
def test_an_address_that_does_not_answer_is_a_missing_picture(url):
    with pytest.raises(RejectedLine, match="missing_image"):
        fetch(url)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "::1", "fe80::1%eth0",
     "::ffff:10.0.0.1", "0.0.0.0", "224.0.0.1"],
)  # fmt: skip
def test_addresses_of_the_inner_network_are_not_public(address):
    assert not is_public_address(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888"])
def test_addresses_of_the_internet_are_public(address):
    assert is_public_address(address)
