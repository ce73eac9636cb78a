import asyncio
import contextlib
import datetime
import gzip
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shelfsort.core.http import (
    AsyncDownloader,
    Downloader,
    DownloadError,
    Limits,
    TooLargeError,
    downloads,
    is_public_address,
)
from tests.fixtures.address_tricks import SPELLINGS

LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost")
GZIPPED = gzip.compress(bytes(10_000_000))


class Shop(BaseHTTPRequestHandler):
    """Serves one image, redirects of every kind, and answers that are meant to do harm."""

    protocol_version = "HTTP/1.1"
    # Else the second packet of an answer waits for the acknowledgement of the first: 40 ms.
    disable_nagle_algorithm = True
    asked: list[str]
    elsewhere: dict[str, str]

    def do_GET(self):
        assert "Authorization" not in self.headers
        self.asked.append(f"{self.headers['Host'].partition(':')[0]}{self.path}")
        self.path = self.path.partition("?")[0]
        if self.path in self.elsewhere:
            self._answer(302, {"Location": self.elsewhere[self.path]}, b"x" * 1000)
        elif self.path == "/a.jpg":
            self._answer(200, {}, b"picture")
        elif self.path == "/zip":
            self._answer(200, {"Content-Encoding": "gzip"}, GZIPPED)
        elif self.path == "/huge":
            self.send_response(200)
            self.send_header("Content-Length", str(10**12))
            self.end_headers()
        elif self.path == "/endless":
            self._write(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, 0)
        elif self.path == "/slow-body":
            self._write(b"HTTP/1.1 200 OK\r\n\r\n", b"x", 0.1)
        elif self.path == "/slow-head":
            self._write(b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.1)
        else:
            self._answer(404, {}, b"none")

    def _answer(self, status, headers, body):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _write(self, first, piece, pause_s):
        self.close_connection = True
        try:
            self.wfile.write(first)
            while True:
                self.wfile.write(piece)
                time.sleep(pause_s)
        except OSError:
            pass

    def log_message(self, *_):
        """Keeps the test's output clean."""


@contextlib.contextmanager
def _serving(host):
    handler = type("Handler", (Shop,), {"asked": [], "elsewhere": {"/moved": "/a.jpg"}})
    server = ThreadingHTTPServer((host, 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler.asked, handler.elsewhere
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def shop():
    """A server's address, what it was asked for (host and path), and where it redirects."""
    with _serving("127.0.0.1") as served:
        yield served


@pytest.fixture
def open_shop():
    """As `shop`, on every IPv4 address of this machine: what is refused is refused by the rule."""
    with _serving("0.0.0.0") as served:
        yield served


@pytest.fixture(params=["sync", "async"])
def fetch(request):
    """Downloads an address, either way."""

    async def fetched(url, limits, permitted):
        downloader = AsyncDownloader(limits, permitted)
        try:
            return await downloader.get(url)
        finally:
            await downloader.close()

    def run(url, *, permitted=lambda address: True, **limits):
        limits = Limits(**{"max_bytes": 100, "wait_s": 5, "total_s": 20, **limits})
        if request.param == "async":
            return asyncio.run(fetched(url, limits, permitted))
        downloader = Downloader(limits, permitted)
        try:
            return downloader.get(url)
        finally:
            downloader.close()

    return run


@pytest.fixture
def names(monkeypatch):
    """Gives names addresses: each time one is looked up, the next; the last one stays."""
    known: dict[str, list[str]] = {}
    looked_up: list[str] = []
    real = socket.getaddrinfo

    def lookup(host, port, *args, **options):
        name = host.decode() if isinstance(host, bytes) else host
        if name not in known:
            if name.lower().rstrip(".") in LOCAL_NAMES:
                return real(host, port, *args, **options)
            # No name server is asked; spellings of numbers need none.
            return real(host, port, flags=socket.AI_NUMERICHOST, type=socket.SOCK_STREAM)
        looked_up.append(name)
        addresses = known[name]
        address = addresses.pop(0) if len(addresses) > 1 else addresses[0]
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in address.split()
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return known, looked_up


def only(*addresses):
    """Permits these addresses."""
    return lambda address: address in addresses


def test_an_image_is_fetched_and_redirects_are_followed(shop, fetch):
    url, asked, _ = shop
    assert fetch(url + "/a.jpg") == b"picture"
    assert fetch(url + "/moved?x=1") == b"picture"
    assert asked == ["127.0.0.1/a.jpg", "127.0.0.1/moved?x=1", "127.0.0.1/a.jpg"]


def test_a_private_address_is_refused_before_it_is_asked(shop, fetch):
    url, asked, _ = shop
    for address in (url, url.replace("127.0.0.1", "localhost")):
        with pytest.raises(DownloadError, match="not on the public internet"):
            fetch(address + "/a.jpg", permitted=is_public_address)
    assert asked == []


def test_a_redirect_to_a_private_address_is_refused_before_it_is_asked(shop, fetch, names):
    url, asked, elsewhere = shop
    names[0]["shop.test"], names[0]["inner.test"] = ["127.0.0.1"], ["127.0.0.2"]
    port = url.rsplit(":")[-1]
    elsewhere["/inner"] = f"http://inner.test:{port}/a.jpg"
    with pytest.raises(DownloadError, match=r"inner\.test is not on the public internet"):
        fetch(f"http://shop.test:{port}/inner", permitted=only("127.0.0.1"))
    assert asked == ["shop.test/inner"]


def test_a_name_that_resolves_differently_later_does_not_get_past_the_check(shop, fetch, names):
    url, asked, _ = shop
    known, looked_up = names
    known["shop.test"] = ["127.0.0.1", "127.0.0.2"]
    port = url.rsplit(":")[-1]
    assert fetch(f"http://shop.test:{port}/a.jpg", permitted=only("127.0.0.1")) == b"picture"
    assert looked_up == ["shop.test"]
    with pytest.raises(DownloadError, match="not on the public internet"):
        fetch(f"http://shop.test:{port}/a.jpg", permitted=only("127.0.0.1"))
    assert asked == ["shop.test/a.jpg"]


def test_of_several_addresses_only_permitted_ones_are_tried(shop, fetch, names):
    url, asked, _ = shop
    port = url.rsplit(":")[-1]
    names[0]["shop.test"] = ["127.0.0.3 127.0.0.2 127.0.0.1"]
    # Nobody listens on the second; the third is not permitted.
    assert fetch(f"http://shop.test:{port}/a.jpg", permitted=only("127.0.0.2", "127.0.0.1"))
    with pytest.raises(DownloadError):
        fetch(f"http://shop.test:{port}/a.jpg", permitted=only("127.0.0.2", "127.0.0.3"))
    assert len(asked) == 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x/", "gopher://x", "data:,x"])
def test_a_redirect_to_another_scheme_is_refused(shop, fetch, target):
    url, _, elsewhere = shop
    elsewhere["/else"] = target
    with pytest.raises(DownloadError, match="another scheme"):
        fetch(url + "/else")


def test_redirects_in_a_circle_end(shop, fetch):
    url, asked, elsewhere = shop
    elsewhere["/loop"] = "/loop"
    with pytest.raises(DownloadError, match="more than 10 redirects"):
        fetch(url + "/loop")
    assert len(asked) == 11


def test_a_missing_image_is_reported_with_its_status(shop, fetch):
    with pytest.raises(DownloadError, match="HTTP status 404") as caught:
        fetch(shop[0] + "/none")
    assert caught.value.status == 404


@pytest.mark.parametrize("path", ["/a.jpg", "/huge", "/endless"])
def test_a_body_above_the_limit_is_too_large(shop, fetch, path):
    with pytest.raises(TooLargeError, match="more than 6 bytes"):
        fetch(shop[0] + path, max_bytes=6)


def test_a_body_as_long_as_the_limit_fits(shop, fetch):
    assert fetch(shop[0] + "/a.jpg", max_bytes=7) == b"picture"


def test_a_compressed_answer_is_refused_and_not_inflated(shop, fetch):
    with pytest.raises(DownloadError, match=r"compressed .gzip."):
        fetch(shop[0] + "/zip", max_bytes=1_000_000)


@pytest.mark.parametrize("path", ["/slow-body", "/slow-head"])
def test_a_server_that_drips_is_given_up(shop, fetch, path):
    started = time.monotonic()
    with pytest.raises(DownloadError, match="time"):
        fetch(shop[0] + path, max_bytes=10**6, total_s=1)
    assert time.monotonic() - started < 5


def test_a_server_that_says_nothing_is_given_up(fetch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(DownloadError):
            fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/", wait_s=0.3)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/", "http://[bad/", "http:///x", "http://a b/", "nonsense", "",
     "http://no-such-host.invalid/", "http://127.0.0.1:99999/"],
)  # fmt: skip
def test_an_address_that_leads_nowhere_is_one_error(fetch, names, url):
    with pytest.raises(DownloadError):
        fetch(url)


def test_threads_share_a_downloader(shop):
    downloader = Downloader(Limits(max_bytes=100), only("127.0.0.1"))
    with ThreadPoolExecutor(8) as pool:
        fetched = list(pool.map(downloader.get, [shop[0] + "/a.jpg"] * 100))
    downloader.close()
    assert fetched == [b"picture"] * 100


@pytest.fixture
def secure_shop(tmp_path):
    """A shop behind TLS: the certificate of shop.test, the port, and the names asked for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "shop.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    served = []
    context.sni_callback = lambda _socket, server_name, _context: served.append(server_name)
    handler = type("Handler", (Shop,), {"asked": [], "elsewhere": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield path, server.server_port, served
    server.shutdown()
    server.server_close()
    thread.join()


def test_tls_asks_for_the_name_and_checks_its_certificate(secure_shop, fetch, names, monkeypatch):
    certificate, port, served = secure_shop
    names[0]["shop.test"], names[0]["other.test"] = ["127.0.0.1"], ["127.0.0.1"]
    with pytest.raises(DownloadError, match="certificate"):
        fetch(f"https://shop.test:{port}/a.jpg")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(downloads, "_trusted", ssl.create_default_context)
    assert fetch(f"https://shop.test:{port}/a.jpg") == b"picture"
    with pytest.raises(DownloadError, match="certificate"):
        fetch(f"https://other.test:{port}/a.jpg")
    assert served == ["shop.test", "shop.test", "other.test"]


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_an_inner_address_gets_a_connection(
    open_shop, fetch, names, host, monkeypatch
):
    url, asked, _ = open_shop
    names[0]["shop.test"] = ["127.0.0.1"]
    port = url.rsplit(":")[-1]
    connected = []
    connect = socket.socket.connect
    monkeypatch.setattr(
        socket.socket, "connect", lambda self, to: connected.append(to) or connect(self, to)
    )
    with pytest.raises(DownloadError):
        fetch(f"http://{host}:{port}/a.jpg", permitted=is_public_address, total_s=5)
    assert (asked, connected) == ([], [])


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_redirect_to_an_inner_address_gets_a_connection(open_shop, fetch, names, host):
    url, asked, elsewhere = open_shop
    names[0]["shop.test"], names[0]["outer.test"] = ["127.0.0.1"], ["127.0.0.9"]
    port = url.rsplit(":")[-1]
    elsewhere["/inner"] = f"http://{host}:{port}/a.jpg".encode().decode("latin-1")

    def permitted(address):
        return address == "127.0.0.9" or is_public_address(address)

    with pytest.raises(DownloadError):
        fetch(f"http://outer.test:{port}/inner", permitted=permitted, total_s=5)
    assert [each for each in asked if not each.startswith("outer.test")] == []


def test_an_inner_name_that_exists_reads_like_one_that_does_not(fetch, names):
    names[0]["there.test"] = ["10.0.0.1"]
    said = []
    for name in ("there.test", "none.invalid"):
        with pytest.raises(DownloadError) as caught:
            fetch(f"http://{name}/", permitted=is_public_address)
        said.append(str(caught.value).replace(name, "NAME"))
    assert said == ["NAME is not on the public internet"] * 2


def test_a_private_peer_receives_no_greeting_of_tls(fetch):
    with socket.create_server(("127.0.0.1", 0)) as peer:
        peer.settimeout(0.3)
        with pytest.raises(DownloadError, match="not on the public internet"):
            fetch(f"https://localhost:{peer.getsockname()[1]}/", permitted=is_public_address)
        with pytest.raises(TimeoutError):
            peer.accept()


def test_credentials_in_an_address_are_not_sent(shop, fetch):
    url, asked, _ = shop
    assert fetch(url.replace("//", "//user:word@") + "/a.jpg") == b"picture"
    assert asked == ["127.0.0.1/a.jpg"]
