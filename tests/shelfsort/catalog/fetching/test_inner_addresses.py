"""No link and no redirect makes a fetch connect to an inner address."""

import socket
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from shelfsort.catalog.database.tables import link
from shelfsort.core.http import is_public_address
from tests.fixtures.address_tricks import SPELLINGS
from tests.fixtures.crawl import jpeg
from tests.fixtures.picture_server import Reply

pytestmark = pytest.mark.slow
OUTER = "127.0.0.9"
NAMES = {"shop.test": ["127.0.0.1"], "turning.test": [OUTER, "127.0.0.1"]}


@pytest.fixture
def names(monkeypatch):
    """No name server is asked; `turning.test` is an outer host at first, and inner later."""
    known = {name: list(addresses) for name, addresses in NAMES.items()}

    def lookup(host, port, *args, **options):
        name = (host.decode() if isinstance(host, bytes) else host).lower().rstrip(".")
        if name in ("localhost", "localhost.localdomain", "ip6-localhost"):
            known.setdefault(name, ["127.0.0.1"])
        if name not in known:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        addresses = known[name]
        address = addresses.pop(0) if len(addresses) > 1 else addresses[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


@pytest.fixture
def connected(monkeypatch):
    """The addresses that sockets of this process connect to."""
    found = []
    connect = socket.socket.connect

    def counted(self, to):
        found.append(to[0])
        return connect(self, to)

    monkeypatch.setattr(socket.socket, "connect", counted)
    return found


def _permitted(address):
    return address == OUTER or is_public_address(address)


@pytest.fixture
def tricks(crawl, picture_server):
    """Adds every trick as a link of its own, and as a redirect of an outer host."""
    picture_server.replies["/a.jpg"] = Reply(jpeg(1))
    urls, redirects = [], []
    for n, host in enumerate(SPELLINGS):
        target = f"http://{host}:{picture_server.port}/a.jpg"
        urls.append(f"{target}?n={n}")
        location = quote(target, safe=":/@[]%\\?=&") if not target.isascii() else target
        location = location.replace("\r", "").replace("\n", " ")
        picture_server.replies[f"/to/{n}"] = Reply(status=302, headers={"Location": location})
        redirects.append(picture_server.url(f"/to/{n}", OUTER))
    crawl.add([*urls, *redirects])
    with crawl.engine.begin() as connection:
        # As hosts, so that none waits for another's probes.
        connection.execute(
            sa.update(link).values(host=sa.literal("h") + sa.cast(link.c.id, sa.Text))
        )
    return len(urls)


def test_at_least_sixty_tricks_reach_nothing(crawl, picture_server, names, connected, tricks):
    assert tricks >= 60
    found = crawl.run(permitted=_permitted)
    assert found.progress.done == 2 * tricks
    assert set(connected) == {OUTER}
    inner = [each for each in picture_server.asked if not each.startswith(f"{OUTER}/")]
    assert inner == []
    assert set(picture_server.peers) == {OUTER}
    states = list(crawl.states().values())
    assert "good" not in states
    assert crawl.images == []


def test_a_name_that_turns_to_an_inner_address_is_refused(
    crawl, picture_server, names, connected, monkeypatch
):
    monkeypatch.setattr("shelfsort.core.http.downloads._NAMES_KEPT_S", 0)
    monkeypatch.setattr("shelfsort.core.http.downloads._KEPT_S", 0.0)
    crawl.fetch["robots"] = False
    for n in range(3):
        picture_server.replies[f"/{n}.png"] = Reply(jpeg(n))
    crawl.add([picture_server.url(f"/{n}.png", "turning.test") for n in range(3)])
    crawl.run(permitted=_permitted)
    assert set(connected) == {OUTER}
    assert sorted(crawl.states().values()) == ["good", "refused_address", "refused_address"]
    assert picture_server.asked == ["turning.test/0.png"]


def test_users_and_ports_are_refused(crawl, picture_server, connected):
    picture_server.replies["/a"] = Reply(jpeg(1))
    host = f"{OUTER}:{picture_server.port}"
    crawl.add([f"http://user:word@{host}/a", f"http://{OUTER}:22/a", f"http://{host}/a"])
    crawl.run(permitted=_permitted)
    states = [each["state"] for each in crawl.rows(link)]
    assert states == ["refused_address", "refused_address", "good"]
