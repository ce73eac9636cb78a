"""Hosts get no more requests than they bear, and dead ones cost little."""

from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from shelfsort.catalog.database.tables import image, link, product
from shelfsort.catalog.fetching import engine
from shelfsort.catalog.fetching.cropping import cropped_hosts
from shelfsort.catalog.fetching.links import DueLinks
from shelfsort.catalog.fetching.removal import remove_unused
from shelfsort.catalog.importing.locks import only_one
from shelfsort.core.errors import InputError
from tests.fixtures.crawl import jpeg
from tests.fixtures.picture_server import Reply

pytestmark = pytest.mark.slow


def test_a_dead_host_is_given_up_and_holds_up_no_other(picture_server, crawl):
    for n in range(40):
        picture_server.replies[f"/{n}"] = Reply(how="silent")
        picture_server.replies[f"127.0.0.1/{n}"] = Reply(jpeg(n))
    crawl.fetch["wait_s"] = 0.3
    crawl.add([picture_server.url(f"/{n}", host) for host in ("127.0.0.1", "127.0.0.2")
               for n in range(40)])  # fmt: skip
    found = crawl.run().progress.outcomes
    assert found["good"] == 40
    assert found["timeout"] + found["dead_host"] == 40
    dead = [each for each in picture_server.asked if each.startswith("127.0.0.2/")]
    assert len(dead) <= 6
    rows = [each for each in crawl.rows(link) if each["state"] == "dead_host"]
    assert len(rows) >= 35
    assert {each["attempts"] for each in rows} == {1}
    assert all(each["due"] - each["checked"] == timedelta(hours=6) for each in rows)


@pytest.mark.parametrize("bad", [2, 6])
def test_a_host_is_judged_by_links_from_all_of_its_places(picture_server, crawl, bad, monkeypatch):
    monkeypatch.setattr(engine, "_ENDLESS_S", 0.0)
    for n in range(60):
        picture_server.replies[f"/{n}"] = Reply(jpeg(n)) if n >= bad else Reply(how="endless")
    crawl.add([picture_server.url(f"/{n}") for n in range(60)])
    crawl.fetch["max_bytes"] = 10_000
    assert crawl.run().progress.outcomes == {"too_large": bad, "good": 60 - bad}


def test_a_sample_is_spread_over_the_links_of_a_host(crawl):
    crawl.add([f"http://a.test/{n}" for n in range(100)])
    with crawl.engine.begin() as connection:
        connection.exec_driver_sql("update link set state = 'gone', due = null where id <= 20")
    links = DueLinks(crawl.engine, datetime.now(timezone.utc))
    assert [each.id for each in links.sample("a.test", 0, 4)] == [21, 38, 63, 88]
    assert [each.id for each in links.sample("a.test", 98, 4)] == [99, 100]
    assert links.sample("a.test", 100, 4) == links.sample("b.test", 0, 4) == []


def test_a_host_that_says_when_to_come_again_is_left_until_then(picture_server, crawl):
    busy = Reply(status=429, headers={"Retry-After": "0"})
    picture_server.replies["/a"] = [busy, busy, Reply(jpeg(1))]
    picture_server.replies["/b"] = Reply(status=503, headers={"Retry-After": "3600"})
    crawl.add([picture_server.url("/a", "127.0.0.1"), picture_server.url("/b", "127.0.0.2"),
               picture_server.url("/c", "127.0.0.2")])  # fmt: skip
    before = datetime.now(timezone.utc)
    crawl.run()
    assert crawl.states() == {"/a": "good", "/b": "server_error", "/c": "throttled"}
    rows = {each["url"]: each for each in crawl.rows(link)}
    due = rows[picture_server.url("/c", "127.0.0.2")]["due"]
    assert timedelta(minutes=59) < due - before < timedelta(minutes=62)
    outcomes = [each["outcome"] for each in crawl.attempts]
    assert sorted(outcomes) == ["good", "server_error", "throttled", "throttled"]


def test_no_host_gets_more_requests_at_a_time_than_allowed(picture_server, crawl):
    for n in range(60):
        picture_server.replies[f"/{n}"] = Reply(jpeg(n), wait_s=0.05)
    crawl.fetch |= {"robots": False, "wait_s": 10.0}
    crawl.add([picture_server.url(f"/{n}", f"127.0.0.{n % 3 + 1}") for n in range(60)])
    crawl.run()
    assert max(picture_server.at_once.values()) <= 8
    assert set(crawl.states().values()) == {"good"}


def test_one_run_at_a_time_uses_a_database(picture_server, crawl):
    crawl.add([picture_server.url("/a")])
    busy = pytest.raises(InputError, match="Another process fetches")
    with only_one(crawl.engine, "PICTURES"), busy:
        crawl.run()


def test_pictures_that_nobody_uses_are_removed_with_their_files(picture_server, crawl):
    for n in range(4):
        picture_server.replies[f"/{n}"] = Reply(jpeg(min(n, 2)))
    crawl.add([picture_server.url(f"/{n}") for n in range(4)])
    crawl.run()
    with crawl.engine.begin() as connection:
        # Links 3 and 4 share a picture; the product of the fourth stays.
        connection.execute(sa.delete(product).where(product.c.id < 4))
    removed = remove_unused(crawl.engine, str(crawl.folder / "images"))
    assert (removed.links, removed.images) == (3, 2)
    kept = [place.stem for place in (crawl.folder / "images").rglob("*.png")]
    assert kept == [each["digest"] for each in crawl.images]
    assert len(kept) == 1


def test_hosts_whose_pictures_look_cropped_are_named(crawl):
    hosts = {
        "square.test": (20, "/{}.jpg", lambda n: (300 + n, 300 + n)),
        "same.test": (20, "/{}.jpg", lambda n: (300, 400)),
        "named.test": (20, "/{}.jpg?w=300", lambda n: (300 + n, 400)),
        "mixed.test": (20, "/{}.jpg", lambda n: (300 + n, 400)),
        "few.test": (19, "/{}.jpg", lambda n: (300, 300)),
    }
    now = datetime.now(timezone.utc)
    for host, (number, path, size) in hosts.items():
        crawl.add([f"http://{host}{path.format(n)}" for n in range(number)])
        with crawl.engine.begin() as connection:
            for n in range(number):
                digest, (width, height) = f"{host}{n}", size(n)
                row = {"digest": digest, "width": width, "height": height, "fetched": now}
                connection.execute(sa.insert(image), row)
                url = f"http://{host}{path.format(n)}"
                connection.execute(sa.update(link).where(link.c.url == url).values(image=digest))
    found = {each.host: each for each in cropped_hosts(crawl.engine)}
    assert set(found) == {"square.test", "same.test", "named.test"}
    assert (found["square.test"].square, found["square.test"].one_size) == (1.0, 0.05)
    assert (found["same.test"].one_size, found["same.test"].size) == (1.0, (300, 400))
    assert found["named.test"].parameters == 1.0
