"""Answers with their status and headers, and the limits that pictures are fetched under."""

import asyncio

import pytest

from shelfsort.core.http import AsyncDownloader, DownloadError, Fetched, Limits
from shelfsort.core.http import downloads as downloads_module
from tests.fixtures.picture_server import Reply


@pytest.fixture
def ask(picture_server):
    def asked(path, limits=None, **options) -> Fetched:
        async def run():
            given = Limits(**{"max_bytes": 1_000, "wait_s": 2, "total_s": 10, **(limits or {})})
            downloader = AsyncDownloader(given, lambda _: True, agent="tester/1 (+a@b.example)")
            try:
                url = path if "//" in path else picture_server.url(path)
                return await downloader.fetch(url, **options)
            finally:
                await downloader.close()

        return asyncio.run(run())

    return asked


def test_status_headers_and_last_address_are_told(picture_server, ask):
    picture_server.replies["/old"] = Reply(status=301, headers={"Location": "/new?a=1"})
    picture_server.replies["/new?a=1"] = Reply(b"picture", headers={"ETag": '"1"'})
    answer = ask("/old")
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, b"picture", '"1"')
    assert answer.url == picture_server.url("/new?a=1")
    assert picture_server.headers["/new?a=1"]["user-agent"] == "tester/1 (+a@b.example)"


@pytest.mark.parametrize("status", [304, 404, 429, 503])
def test_a_failure_is_an_answer_with_its_headers(picture_server, ask, status):
    picture_server.replies["/x"] = Reply(b"", status, {"Retry-After": "7"})
    answer = ask("/x", headers={"If-None-Match": '"1"'})
    assert (answer.status, answer.headers["Retry-After"], answer.body) == (status, "7", b"")
    assert picture_server.headers["/x"]["if-none-match"] == '"1"'


def test_only_the_beginning_is_read_where_no_more_is_wanted(picture_server, ask):
    picture_server.replies["/endless"] = Reply(how="endless")
    assert ask("/endless", first_bytes=100).body == b"\xff" * 100
    with pytest.raises(DownloadError) as caught:
        ask("/endless")
    assert caught.value.kind == "too_large"


def test_what_inspects_the_answer_refuses_it_before_its_body(picture_server, ask):
    picture_server.replies["/x"] = Reply(b"picture", how="drip")

    def refuse(answer):
        raise DownloadError(f"no {answer.status}", kind="robots")

    with pytest.raises(DownloadError, match="no 200") as caught:
        ask("/x", inspect=refuse)
    assert caught.value.kind == "robots"


def test_each_hop_is_announced(picture_server, ask):
    picture_server.replies["/a"] = Reply(status=302, headers={"Location": "/b"})
    picture_server.replies["/b"] = Reply(b"x")
    hops = []

    async def before(url):
        hops.append(url)

    ask("/a", before=before)
    assert hops == [picture_server.url("/a"), picture_server.url("/b")]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(b"x" * 500, how="drip"), "too_slow"),
        (Reply(b"x" * 500, how="cut"), "cut_off"),
        (Reply(b"x", headers={"Content-Length": "1000000000000"}), "too_large"),
        (Reply(b"x", headers={"Content-Encoding": "br"}), "compressed"),
        (Reply(b"", 302, {"Location": "/x"}), "redirects"),
        (Reply(b"", 302, {"Location": "ftp://h/"}), "invalid"),
        (Reply(how="silent"), "timeout"),
    ],
)
def test_each_failure_has_its_kind(picture_server, ask, monkeypatch, reply, kind):
    monkeypatch.setattr(downloads_module, "_RATE_AFTER_S", 0.3)
    picture_server.replies["/x"] = reply
    with pytest.raises(DownloadError) as caught:
        ask("/x", {"least_bytes_s": 1_000, "wait_s": 0.5})
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://127.0.0.1:1/", "unconnected"),
        ("http://no-such-host.invalid/", "unresolved"),
        ("http://[bad/", "invalid"),
        ("ftp://127.0.0.1/", "invalid"),
    ],
)
def test_an_address_without_an_answer_has_its_kind(ask, url, kind):
    with pytest.raises(DownloadError) as caught:
        ask(url)
    assert caught.value.kind == kind


def test_ports_and_users_may_be_refused_on_every_hop(picture_server, ask):
    picture_server.replies["/x"] = Reply(b"x")
    picture_server.replies["/user"] = Reply(
        status=302, headers={"Location": f"http://u:p@127.0.0.1:{picture_server.port}/x"}
    )
    picture_server.replies["/port"] = Reply(
        status=302, headers={"Location": "http://127.0.0.1:22/"}
    )
    strict = {"ports": (picture_server.port,), "user": False}
    assert ask("/x", strict).body == b"x"
    for path in ("/user", "/port"):
        with pytest.raises(DownloadError) as caught:
            ask(path, strict)
        assert caught.value.kind == "refused_address"
    assert [each for each in picture_server.asked if each.endswith("/x")] == ["127.0.0.1/x"]
