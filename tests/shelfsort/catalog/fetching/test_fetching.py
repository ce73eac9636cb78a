"""What becomes of a link, good and bad, in the database and in the store."""

import hashlib
from datetime import datetime, timedelta, timezone

import pytest

from shelfsort.catalog.database.tables import link
from shelfsort.core.errors import InputError
from shelfsort.core.http import downloads
from tests.fixtures.crawl import jpeg
from tests.fixtures.picture_server import Reply

pytestmark = pytest.mark.slow
HTML = b"<!doctype html><title>Sold out</title>"


def test_good_pictures_are_kept_by_their_digest_and_never_fetched_again(picture_server, crawl):
    for n in range(30):
        picture_server.replies[f"/{n}.png"] = Reply(jpeg(n), headers={"ETag": f'"{n}"'})
    crawl.add([picture_server.url(f"/{n}.png", f"127.0.0.{n % 3 + 1}") for n in range(30)])
    found = crawl.run()
    assert found.progress.outcomes == {"good": 30}
    assert {each["digest"] for each in crawl.images} == {
        hashlib.sha256(jpeg(n)).hexdigest() for n in range(30)
    }
    for each in crawl.images:
        place = crawl.folder / "images" / each["digest"][:2] / f"{each['digest']}.png"
        assert hashlib.sha256(place.read_bytes()).hexdigest() == each["digest"]
        assert (each["width"], each["height"], each["format"]) == (16, 12, "png")
        assert each["bytes"] == len(place.read_bytes())
    asked = len(picture_server.asked)
    assert asked == 33  # and three times robots.txt
    assert crawl.run().progress.total == 0
    assert len(picture_server.asked) == asked


def test_each_failure_has_its_class_and_its_next_try(picture_server, crawl, monkeypatch):
    monkeypatch.setattr(downloads, "_RATE_AFTER_S", 0.3)
    picture = jpeg(1)
    replies = {
        "gone": Reply(status=410),
        "blocked": Reply(status=403),
        "server_error": Reply(status=500),
        "bad_answer": Reply(status=418),
        "not_an_image": Reply(HTML, headers={"Content-Type": "image/jpeg"}),
        "cut_off": Reply(picture, how="cut"),
        "too_large": Reply(picture, headers={"Content-Length": "99999999"}),
        "too_slow": Reply(b"x" * 900, how="drip"),
        "timeout": Reply(how="silent"),
        "moved": Reply(status=302, headers={"Location": "/moved"}),
        "robots": Reply(picture, headers={"X-Robots-Tag": "noai"}),
    }
    hosts = {name: f"127.0.1.{n + 1}" for n, name in enumerate(replies)}
    for name, reply in replies.items():
        picture_server.replies[f"/{name}"] = reply
    broken = jpeg(2)[:-40]
    picture_server.replies["/broken"] = Reply(broken)
    picture_server.replies["/wide"] = Reply(jpeg(1, (2_000, 1_000)))
    urls = [picture_server.url(f"/{name}", host) for name, host in hosts.items()]
    urls += [picture_server.url(path, "127.0.1.99") for path in ("/broken", "/wide")]
    crawl.add([*urls, "ftp://127.0.1.98/x", picture_server.url("/x", "no-such-host.invalid")])
    crawl.fetch["max_pixels"] = 1_000_000
    before = datetime.now(timezone.utc)
    crawl.run()
    states = crawl.states()
    assert {name: states[f"/{name}"] for name in replies} == {name: name for name in replies}
    assert (states["/broken"], states["/wide"]) == ("not_an_image", "too_large")
    rows = {each["url"]: each for each in crawl.rows(link)}
    assert rows["ftp://127.0.1.98/x"]["state"] == "invalid_address"
    assert rows[picture_server.url("/x", "no-such-host.invalid")]["state"] == "dead_host"
    due = rows[picture_server.url("/timeout", hosts["timeout"])]["due"]
    assert timedelta(hours=1) <= due - before < timedelta(hours=1, minutes=1)
    assert rows["ftp://127.0.1.98/x"]["due"] is None
    tried = {each["outcome"]: each for each in crawl.attempts}
    assert (tried["gone"]["status"], tried["robots"]["status"]) == (410, 200)
    assert tried["robots"]["detail"] == "X-Robots-Tag: noai"
    assert not list((crawl.folder / "images").rglob("*.*"))


def test_a_class_can_be_tried_again_and_counts_its_failures(picture_server, crawl):
    picture_server.replies["/a"] = [Reply(status=404), Reply(status=404), Reply(jpeg(3))]
    picture_server.replies["/b"] = Reply(status=500)
    crawl.add([picture_server.url("/a"), picture_server.url("/b")])
    crawl.run()
    assert crawl.run().progress.total == 0
    assert crawl.run(retry=["gone"]).progress.outcomes == {"gone": 1}
    assert [each["attempts"] for each in crawl.rows(link)] == [2, 1]
    crawl.run(retry=["gone"])
    assert crawl.states() == {"/a": "good", "/b": "server_error"}
    assert [each["attempts"] for each in crawl.rows(link)] == [0, 1]


def test_a_good_picture_is_asked_for_only_if_it_changed(picture_server, crawl):
    picture_server.replies["/a"] = [
        Reply(jpeg(1), headers={"ETag": '"1"', "Last-Modified": "Mon, 02 Nov 2026 10:00:00 GMT"}),
        Reply(status=304),
        Reply(jpeg(2), headers={"ETag": '"2"'}),
    ]
    crawl.add([picture_server.url("/a")])
    crawl.run()
    assert "if-none-match" not in picture_server.headers["/a"]
    assert crawl.run(retry=["good"]).progress.outcomes == {"unchanged": 1}
    asked = picture_server.headers["/a"]
    assert asked["if-none-match"] == '"1"'
    assert asked["if-modified-since"] == "Mon, 02 Nov 2026 10:00:00 GMT"
    crawl.run(retry=["good"])
    row = crawl.rows(link)[0]
    assert (row["etag"], row["image"]) == ('"2"', hashlib.sha256(jpeg(2)).hexdigest())


def test_robots_txt_is_obeyed_unless_a_setting_says_otherwise(picture_server, crawl):
    picture_server.replies["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /private")
    for path in ("/private", "/open"):
        picture_server.replies[path] = Reply(jpeg(len(path)))
    crawl.add([picture_server.url("/private"), picture_server.url("/open")])
    crawl.run()
    assert crawl.states() == {"/private": "robots", "/open": "good"}
    assert "127.0.0.1/private" not in picture_server.asked
    agent = picture_server.headers["/open"]["user-agent"]
    assert agent.startswith("shelfsort/") and agent.endswith("(+https://shop.example/robots)")
    crawl.fetch["robots"] = False
    crawl.run(retry=["robots"])
    assert crawl.states() == {"/private": "good", "/open": "good"}


def test_the_same_picture_under_many_products_is_a_placeholder(picture_server, crawl):
    for n in range(8):
        picture_server.replies[f"/{n}"] = Reply(jpeg(100 if n < 5 else n))
    crawl.add([picture_server.url(f"/{n}") for n in range(8)])
    crawl.fetch["placeholder_products"] = 5
    assert crawl.run().placeholders == 1
    states = list(crawl.states().values())
    assert states == ["placeholder"] * 5 + ["good"] * 3
    problems = {each["digest"]: each["problem"] for each in crawl.images}
    assert problems.pop(hashlib.sha256(jpeg(100)).hexdigest()) == "placeholder"
    assert set(problems.values()) == {""}
    crawl.fetch["placeholder_products"] = 6
    assert crawl.run().placeholders == 0
    assert set(crawl.states().values()) == {"good"}


def test_a_check_keeps_nothing_and_leaves_the_link_to_fetch(picture_server, crawl):
    picture_server.replies["/a"] = Reply(jpeg(1))
    picture_server.replies["/b"] = Reply(HTML)
    crawl.add([picture_server.url("/a"), picture_server.url("/b"), picture_server.url("/c")])
    found = crawl.run(check_only=True)
    assert found.progress.outcomes == {"reachable": 1, "not_an_image": 1, "gone": 1}
    assert crawl.images == []
    assert crawl.run().progress.outcomes == {"good": 1}


def test_a_limit_leaves_the_rest_untried(picture_server, crawl):
    for n in range(20):
        picture_server.replies[f"/{n}"] = Reply(jpeg(n))
    crawl.add([picture_server.url(f"/{n}") for n in range(20)])
    assert crawl.run(at_most=7).progress.done == 7
    assert sorted(crawl.states().values()) == [""] * 13 + ["good"] * 7


def test_links_of_vanished_products_are_not_fetched(picture_server, crawl):
    picture_server.replies["/a"] = picture_server.replies["/b"] = Reply(jpeg(1))
    crawl.add([picture_server.url("/a"), picture_server.url("/b")])
    with crawl.engine.begin() as connection:
        connection.exec_driver_sql("update product set gone = '2026-01-01 00:00:00' where id = 1")
    crawl.run()
    assert crawl.states() == {"/a": "", "/b": "good"}


def test_nobody_to_write_to_is_an_error(crawl):
    crawl.fetch["contact"] = ""
    with pytest.raises(InputError, match=r"catalog\.yaml: fetch\.contact is missing"):
        crawl.run()
