"""A run that is killed or stopped loses nothing, and memory does not grow with the links."""

import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from shelfsort.catalog.database.tables import attempt, link
from shelfsort.core.database.engine import reader
from tests.fixtures.crawl import jpeg
from tests.fixtures.picture_server import Reply

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
LINKS = 400
TINY = [jpeg(n, (1, 1)) for n in range(50)]


def _start(crawl, picture_server):
    arguments = [
        "-m",
        "tests.fixtures.fetching_process",
        str(crawl.folder),
        str(picture_server.port),
    ]
    return subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)


def _good(crawl):
    with reader(crawl.engine) as connection:
        return (
            connection.execute(sa.select(link.c.url).where(link.c.state == "good")).scalars().all()
        )


def _decoders(crawl):
    """The processes that decode pictures for this catalogue."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = place.read_bytes()
            if b"decoding_process" in command and str(crawl.folder).encode() in command:
                found.append(place)
    return found


def _wait_for(process, crawl, good):
    while len(_good(crawl)) < good:
        assert process.poll() is None
        time.sleep(0.02)


def _add(crawl, picture_server, numbers):
    for n in numbers:
        picture_server.replies[f"/{n}"] = Reply(jpeg(n), wait_s=0.05)
    crawl.add([picture_server.url(f"/{n}", f"127.0.0.{n % 4 + 1}") for n in numbers])


@pytest.fixture
def links(crawl, picture_server):
    _add(crawl, picture_server, range(LINKS))


def test_a_kill_loses_nothing_and_no_good_picture_is_fetched_again(crawl, picture_server):
    rng, was_good, kills, number = random.Random(5), set(), 3, 120
    for kill in range(kills):
        _add(crawl, picture_server, range(kill * number, (kill + 1) * number))
        # One link is never answered, so that no run comes to its end before it is killed.
        held = f"/held/{kill}"
        picture_server.replies[held] = Reply(how="silent")
        crawl.add([picture_server.url(held, f"127.0.1.{kill + 1}")])
        process = _start(crawl, picture_server)
        _wait_for(process, crawl, len(_good(crawl)) + rng.randrange(1, 40))
        process.kill()
        process.wait()
        picture_server.replies[held] = Reply(jpeg(kills * number + kill))
        good = {
            url.partition("//")[2].replace(f":{picture_server.port}", "") for url in _good(crawl)
        }
        assert was_good <= good
        was_good = good
        asked = Counter(picture_server.asked)
        counts = {url: asked[url] for url in good}
    process = _start(crawl, picture_server)
    last = json.loads(process.communicate(timeout=60)[0].splitlines()[-1])
    assert last["outcomes"].get("good", 0) == kills * (number + 1) - len(was_good)
    asked = Counter(picture_server.asked)
    assert {url: asked[url] for url in was_good} == counts
    rows = {each["digest"]: each for each in crawl.images}
    assert len(rows) == kills * (number + 1)
    until = time.monotonic() + 10
    while _decoders(crawl) and time.monotonic() < until:
        time.sleep(0.05)
    assert _decoders(crawl) == []
    kept = {place.stem: place for place in (crawl.folder / "images").rglob("*.*")}
    assert kept.keys() == rows.keys()
    assert all(place.stat().st_size == rows[stem]["bytes"] for stem, place in kept.items())


def test_ctrl_c_ends_within_a_second_with_everything_saved(crawl, picture_server, links):
    picture_server.replies["/slow"] = Reply(how="silent")
    crawl.add([picture_server.url("/slow", "127.0.0.77")])
    process = _start(crawl, picture_server)
    _wait_for(process, crawl, 50)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[0]
    seconds = time.monotonic() - began
    record = json.loads(said.splitlines()[-1])
    assert record["stopped"]
    assert record["outcomes"]["good"] == len(_good(crawl)) == len(crawl.images)
    # On a machine with nothing else to do it is a third of a second.
    assert seconds < 5
    with reader(crawl.engine) as connection:
        tried = connection.execute(sa.select(sa.func.count()).select_from(attempt)).scalar_one()
    assert tried == sum(record["outcomes"].values())


def test_files_that_a_kill_left_behind_are_swept(crawl, picture_server, links):
    stray = crawl.folder / "images" / "ab" / f"{'ab' * 32}.png"
    partial = stray.with_name(f".{'ab' * 32}.png.17.partial")
    other = stray.with_name("notes.txt")
    stray.parent.mkdir(parents=True)
    for place in (stray, partial, other):
        place.write_bytes(b"x")
    found = crawl.run(at_most=1)
    assert found.swept == 2
    assert (stray.exists(), partial.exists(), other.exists()) == (False, False, True)


def test_memory_does_not_grow_with_the_number_of_links(crawl, picture_server):
    peaks = []
    for number in (1_000, 5_000):
        known = len(crawl.rows(link))
        paths = [f"/{n}" for n in range(known, known + number)]
        for n, path in enumerate(paths):
            picture_server.replies[path] = Reply(TINY[n % len(TINY)])
        crawl.add([picture_server.url(p, f"127.0.{n % 9}.1") for n, p in enumerate(paths)])
        process = _start(crawl, picture_server)
        record = json.loads(process.communicate(timeout=100)[0].splitlines()[-1])
        assert record["outcomes"] == {"good": number}
        peaks.append(record["mib"])
    assert peaks[1] - peaks[0] < 20
