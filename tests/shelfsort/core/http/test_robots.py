"""robots.txt by RFC 9309, and X-Robots-Tag."""

import asyncio

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from shelfsort.core.http import AsyncDownloader, DownloadError, Limits
from shelfsort.core.http.robots import Robots, forbidding_header
from tests.fixtures.picture_server import Reply

RULES = b"User-agent: *\nDisallow: /private/\nCrawl-delay: 2\n\nUser-agent: other\nDisallow: /\n"


@pytest.fixture
def check(picture_server):
    """Which of these paths are allowed, and the delay between two requests."""

    def checked(*paths):
        async def run():
            downloader = AsyncDownloader(Limits(10_000, wait_s=2, total_s=5), lambda _: True)
            robots = Robots(downloader, "shelfsort")

            async def allowed(path):
                try:
                    await robots.check(picture_server.url(path))
                except DownloadError as error:
                    return error.kind
                return True

            found = await asyncio.gather(*map(allowed, paths))
            await downloader.close()
            return found, robots.delay_s(picture_server.url("/"))

        return asyncio.run(run())

    return checked


def test_rules_are_read_once_and_obeyed(picture_server, check):
    picture_server.replies["/robots.txt"] = Reply(RULES)
    found, delay = check("/a.jpg", "/private/a.jpg", "/b.jpg")
    assert (found, delay) == ([True, "robots", True], 2.0)
    assert picture_server.asked == ["127.0.0.1/robots.txt"]


def test_rules_for_our_token_come_before_those_for_all(picture_server, check):
    picture_server.replies["/robots.txt"] = Reply(RULES + b"User-agent: Shelfsort\nDisallow: /b")
    assert check("/a.jpg", "/private/a.jpg", "/b.jpg")[0] == [True, True, "robots"]


@pytest.mark.parametrize(
    ("status", "allowed"),
    [(404, True), (403, True), (410, True), (429, "robots"), (500, "robots"), (503, "robots")],
)
def test_no_rules_allow_all_and_a_broken_server_nothing(picture_server, check, status, allowed):
    picture_server.replies["/robots.txt"] = Reply(b"", status)
    assert check("/a.jpg")[0] == [allowed]


def test_rules_behind_a_redirect_count(picture_server, check):
    picture_server.replies["/robots.txt"] = Reply(status=301, headers={"Location": "/rules"})
    picture_server.replies["/rules"] = Reply(RULES)
    assert check("/private/x")[0] == ["robots"]


def test_a_host_without_an_answer_forbids_all_and_is_asked_again(picture_server, check):
    picture_server.replies["/robots.txt"] = Reply(b"x" * 10, how="cut")
    assert check("/a.jpg", "/b.jpg")[0] == ["cut_off", "cut_off"]
    assert len(picture_server.asked) == 1


def test_only_the_first_500_kib_are_read(picture_server, check):
    line = b"Disallow: /early\n"
    filler = b"# " + b"x" * 997 + b"\n"
    many = b"User-agent: *\n" + line + filler * 512 + b"Disallow: /late\n"
    picture_server.replies["/robots.txt"] = Reply(many)
    assert check("/early", "/late")[0] == ["robots", True]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["noai"], "X-Robots-Tag: noai"),
        (["nofollow, NOIMAGEAI"], "X-Robots-Tag: noimageai"),
        (["shelfsort: noindex"], "X-Robots-Tag: noindex"),
        (["otherbot: noindex, noai"], ""),
        (["otherbot: noai", "noimageindex"], "X-Robots-Tag: noimageindex"),
        (["max-snippet: 5, noai"], "X-Robots-Tag: noai"),
        (["all"], ""),
        ([], ""),
    ],
)
def test_the_header_forbids_for_all_or_for_us(values, found):
    headers = CIMultiDictProxy(CIMultiDict([("X-Robots-Tag", value) for value in values]))
    assert forbidding_header(headers, "shelfsort") == found


def test_a_reservation_of_text_and_data_mining_forbids():
    headers = CIMultiDictProxy(CIMultiDict({"tdm-reservation": "1"}))
    assert forbidding_header(headers, "shelfsort") == "TDM-Reservation: 1"
