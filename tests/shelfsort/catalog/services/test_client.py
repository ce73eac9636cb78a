import json

import pytest

from shelfsort.catalog.services.client import Access, Service
from shelfsort.core.errors import InputError
from tests.fixtures.shop_api import CUT, FAILED, KEY, PAGE, THROTTLED, Answer


@pytest.fixture
def ask(shop_api, clock, monkeypatch):
    """Asks the shop for a path; other words are settings."""
    monkeypatch.setenv("SHOP_KEY", KEY)

    def asked(path, *, expected=(), headers=None, body=b"", **settings):
        access = Access(**{"allow_private": True, "requests_s": 100, **settings})
        service = Service("shop", shop_api.url, access)
        try:
            return service.ask(shop_api.url + path, expected=expected, headers=headers, body=body)
        finally:
            service.close()

    return asked


def test_an_answer_is_read(ask, shop_api):
    reply = ask("/products?limit=2", headers={"X-More": "1"})
    assert [each["id"] for each in reply.value["products"]] == ["p0000", "p0001"]
    assert reply.headers["etag"] == '"v1"'
    assert "cursor=p0001" in reply.links["next"]
    assert shop_api.headers[0]["x-more"] == "1"


def test_what_may_pass_is_tried_again(ask, shop_api, clock):
    shop_api.troubles = {1: FAILED, 2: CUT, 3: PAGE, 4: Answer(408), 5: Answer(503)}
    assert ask("/products").status == 200
    assert len(shop_api.asked) == 6
    assert [0.5 <= s <= 1 for s in clock.slept[:1]] == [True]
    assert sum(clock.slept) >= 0.5 + 1 + 2 + 4 + 8


def test_a_pause_is_as_long_as_it_is_asked_for(ask, shop_api, clock):
    shop_api.troubles = {1: THROTTLED}
    assert ask("/products").status == 200
    assert sum(clock.slept) == pytest.approx(7, abs=0.1)


def test_a_pause_longer_than_allowed_stops(ask, shop_api):
    shop_api.troubles = {1: Answer(429, b"", {"Retry-After": "86400"})}
    with pytest.raises(InputError, match=r"86,400 s.*goes on where it stopped"):
        ask("/products")
    assert len(shop_api.asked) == 1


def test_what_does_not_pass_stops_after_the_last_try(ask, shop_api):
    shop_api.troubles = dict.fromkeys(range(1, 100), FAILED)
    with pytest.raises(InputError, match="HTTP status 500, after 3 tries"):
        ask("/products", attempts=3)
    assert len(shop_api.asked) == 3


def test_a_refusal_stops_at_once_and_tells_no_key(ask, shop_api, monkeypatch):
    shop_api.key = "another"
    with pytest.raises(InputError, match=r"401.*SHOP_KEY") as caught:
        ask("/products", key={"env": "SHOP_KEY", "parameter": "pid"})
    assert KEY not in str(caught.value)
    assert "[key]" in str(caught.value)
    assert (len(shop_api.asked), "\n" in str(caught.value)) == (1, False)


@pytest.mark.parametrize("where", [{"parameter": "pid"}, {"header": "X-Key"}])
def test_the_key_opens_the_service(ask, shop_api, where):
    shop_api.key = KEY
    assert ask("/products?limit=1", key={"env": "SHOP_KEY", **where}).status == 200


def test_a_status_that_is_expected_is_an_answer(ask):
    reply = ask("/product/none", expected={404})
    assert (reply.status, reply.value) == (404, None)


def test_redirects_stay_at_the_service(ask, shop_api):
    shop_api.troubles = {1: Answer(301, b"", {"Location": "/products?limit=1"})}
    assert len(ask("/old").value["products"]) == 1
    elsewhere = {"Location": "http://other.example/products"}
    shop_api.troubles = {3: Answer(302, b"", elsewhere)}
    with pytest.raises(InputError, match=r"another host .other\.example"):
        ask("/products", key={"env": "SHOP_KEY", "header": "X-Key"})
    shop_api.troubles = dict.fromkeys(range(4, 99), Answer(302, b"", {"Location": "/products"}))
    with pytest.raises(InputError, match="more than 5 redirects"):
        ask("/products")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 60 + b"]" * 60,
        b"[" * 100_000,
        b"\xff\xfe",
        b"",
        b"[1" + b",1" * 6_000_000 + b"]",
    ],
    ids=["deep", "deeper", "no text", "nothing", "many"],
)
def test_json_beyond_all_measure_is_refused(ask, shop_api, body):
    shop_api.troubles = {1: Answer(200, body)}
    with pytest.raises(InputError, match="after 1 try"):
        ask("/products", attempts=1)


def test_too_large_an_answer_stops(ask, shop_api):
    shop_api.troubles = {1: Answer(200, json.dumps(["x" * 2_000]).encode())}
    with pytest.raises(InputError, match=r"more than 1,000 bytes.*max_bytes"):
        ask("/products", max_bytes=1_000)


def test_a_service_in_the_own_network_is_not_asked_without_leave(ask, shop_api):
    with pytest.raises(InputError, match=r"public internet.*allow_private"):
        ask("/products", allow_private=False)
    assert shop_api.asked == []


def test_a_key_is_not_sent_in_clear_over_the_internet(monkeypatch):
    monkeypatch.setenv("SHOP_KEY", KEY)
    access = Access(key={"env": "SHOP_KEY", "header": "X-Key"})
    with pytest.raises(InputError, match="in clear"):
        Service("shop", "http://shop.example/products", access)


@pytest.mark.parametrize(
    ("given", "followed"),
    [
        ("?page=2", "https://shop.example/api/products?page=2"),
        ("/api/x?pid=open-sesame-7f3a&a=1", "https://shop.example/api/x?a=1"),
        ("http://shop.example/api/x", "https://shop.example/api/x"),
        ("https://SHOP.example:443/x", "https://SHOP.example:443/x"),
        ("http://shop.example:8080/x", None),
        ("https://shop.example.evil.example/x", None),
        ("https://shop.example@evil.example/x", None),
        ("//evil.example/x", None),
        ("file:///etc/passwd", None),
        ("http://[::1/x", None),
    ],
)
def test_addresses_that_a_service_gives_are_its_own(monkeypatch, given, followed):
    monkeypatch.setenv("SHOP_KEY", KEY)
    access = Access(key={"env": "SHOP_KEY", "parameter": "pid"})
    service = Service("shop", "https://shop.example/api/products", access)
    try:
        assert service.same_origin(given, "https://shop.example/api/products?page=1") == followed
    except InputError as error:
        assert followed is None and KEY not in str(error)
    finally:
        service.close()
