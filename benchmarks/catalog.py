"""How fast and how safely are pictures fetched, and how does img2dataset fare?

    python benchmarks/catalog.py --urls 100000 --kills 10

A local server (`picture_shops.py`) answers after 50 ms. 60 % of the links are good; 20 % are dead
or lie on living shops (404, HTML, half a picture, half a body, a length of a terabyte); 20 % are of
dead shops (they refuse connections, say nothing, drip a byte each half second, or never end). Both
programs have 64 connections and a timeout of 5 s. img2dataset is installed into a virtual
environment of its own; where that cannot be done, its rows are left out. It is stopped after some
multiple of our time (`--patience`), because some of its downloads have no end. So both programs get
a set without these, too: the links that end. A bare client reads good links and keeps nothing.

The limit is the number of connections divided by the latency: 1,280 requests a second. A link that
says nothing holds its connection for 5 s, so the share of the connections' time that requests were
under way is given, too.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from picture_shops import LATENCY_S
from process_watch import Watch

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.database.tables import link, product, product_link, source
from shelfsort.catalog.fetching.engine import Order, Progress
from shelfsort.catalog.fetching.job import fetch_pictures
from shelfsort.catalog.settings import CatalogSettings, FetchSettings

CONNECTIONS, TIMEOUT_S, PORT = 64, 5, 18_777
LIMIT = CONNECTIONS / LATENCY_S
PEER = "img2dataset==1.47.0"
GOOD = ("good",)
ENDING = ("good", "gone", "html", "broken", "refused", "silent")
_LEAST_S = 60.0
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Result:
    """Attributes: what ran on how many links, what it took, and the share of busy connections."""

    name: str
    urls: int
    answered: int
    useful: int
    seconds: float
    cpu_s: float
    own_mib: float
    tree_mib: float
    busy: float = 0.0
    stopped: bool = False

    def row(self) -> str:
        share = f"{self.answered / self.seconds / LIMIT:.0%}" if self.answered else "-"
        busy = f"{self.busy:.0%}" if self.busy else "-"
        cells = (
            self.name + (" (stopped)" if self.stopped else ""),
            f"{self.urls:,}",
            f"{self.useful:,}",
            f"{self.seconds:.0f}",
            f"{self.useful / self.seconds:.0f}",
            share,
            busy,
            f"{1000 * self.cpu_s / max(1, self.useful):.1f}",
            f"{self.own_mib:.0f}",
            f"{self.tree_mib:.0f}",
        )
        return "| " + " | ".join(cells) + " |"


HEADING = (
    "| run | links | useful images | s | useful images/s | share of the limit | "
    "connections in use | CPU ms/useful image | peak MiB, main process | "
    "peak MiB, all processes |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def settings(folder: Path) -> CatalogSettings:
    fetch = FetchSettings(
        contact="benchmark@localhost.example",
        connections=CONNECTIONS,
        per_host=8,
        wait_s=TIMEOUT_S,
        total_s=30,
        max_bytes=5_000_000,
        ports=(PORT, PORT + 1),
    )
    file, database, images = (str(folder / n) for n in ("catalog.yaml", "catalog.db", "images"))
    return CatalogSettings(file, database, images, {}, fetch)


def fetch(folder: Path) -> None:
    """The fetching process; only loopback addresses may be connected to."""

    def said(progress: Progress) -> None:
        print(f"{progress.done:,} of {progress.total:,}", file=sys.stderr, flush=True)

    fetch_pictures(settings(folder), Order(), said, permitted=lambda a: a.startswith("127."))


def fill(folder: Path, urls: Sequence[str]) -> None:
    """A crawl database with one product for each link."""
    now = datetime.now(timezone.utc)
    engine = open_database(str(folder / "catalog.db"))
    with engine.begin() as connection:
        connection.execute(sa.insert(source), {"name": "shops", "type": "tables"})
        for start in range(0, len(urls), 5_000):
            numbered = list(enumerate(urls[start : start + 5_000], start + 1))
            connection.execute(
                sa.insert(product),
                [
                    {"id": n, "source": "shops", "source_id": str(n), "first_seen": now,
                     "changed": now, "pull": 1}
                    for n, _ in numbered
                ],
            )  # fmt: skip
            connection.execute(
                sa.insert(link),
                [{"id": n, "url": url, "host": urlsplit(url).hostname} for n, url in numbered],
            )
            connection.execute(
                sa.insert(product_link),
                [{"product": n, "position": 0, "link": n} for n, _ in numbered],
            )
    engine.dispose()


@contextlib.contextmanager
def shops(folder: Path, urls: int, only: Sequence[str] = ()) -> Iterator[Path]:
    """The server; gives the file of its log."""
    log = folder / "asked.log"
    arguments = ["--urls", str(urls), "--list", str(folder / "urls.txt"), "--log", str(log)]
    arguments += ["--only", *only] if only else []
    command = [sys.executable, str(_HERE / "picture_shops.py"), "--port", str(PORT), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield log
    finally:
        process.kill()
        process.wait()


def started(folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, str(_HERE / "catalog.py"), "--fetch", str(folder)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def rows(folder: Path, select: str) -> list[tuple[Any, ...]]:
    """What a query finds; it holds up nobody."""
    with contextlib.closing(
        sqlite3.connect(f"file:{folder / 'catalog.db'}?mode=ro", uri=True)
    ) as db:
        return db.execute(select).fetchall()


def states(folder: Path) -> Counter[str]:
    return Counter(dict(rows(folder, "select state, count(*) from link group by state")))


def ours(name: str, urls: int, only: Sequence[str] = ()) -> Result:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with shops(folder, urls, only):
            fill(folder, (folder / "urls.txt").read_text().split())
            began = time.monotonic()
            process = started(folder)
            watch = Watch(process.pid)
            status = process.wait()
            seconds = time.monotonic() - began
            watch.end()
        if status:
            raise SystemExit(f"fetching ended with status {status}")
        found = states(folder)
        print(name, dict(found), file=sys.stderr)
        answered, waited_s = rows(folder, "select count(*), sum(seconds) from attempt")[0]
        busy = waited_s / (CONNECTIONS * seconds)
        memory = (watch.own_mib, watch.tree_mib)
        return Result(name, urls, answered, found["good"], seconds, watch.cpu_s, *memory, busy)


def bare(name: str, urls: int) -> Result:
    """A client that only reads good pictures: what the server and the machine give."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with shops(folder, urls, GOOD):
            began = time.monotonic()
            process = subprocess.Popen(
                [sys.executable, str(_HERE / "bare_client.py"), str(folder / "urls.txt")],
                stdout=subprocess.PIPE,
                text=True,
            )
            watch = Watch(process.pid)
            useful = int(process.communicate()[0])
            seconds = time.monotonic() - began
            watch.end()
        memory = (watch.own_mib, watch.tree_mib)
        return Result(name, urls, useful, useful, seconds, watch.cpu_s, *memory)


def peer_command(place: Path | None, folder: Path) -> Path | None:
    """img2dataset's command; None where it cannot be installed."""
    home = place or folder / "peer"
    command = home / "bin" / "img2dataset"
    if command.exists():
        return command
    venv.create(home, with_pip=True)
    install = [str(home / "bin" / "pip"), "install", "--quiet", PEER]
    return command if subprocess.run(install, check=False).returncode == 0 else None


def peer(command: Path, name: str, urls: int, most_s: float, only: Sequence[str] = ()) -> Result:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with shops(folder, urls, only):
            began = time.monotonic()
            process = subprocess.Popen(
                [
                    str(command),
                    f"--url_list={folder / 'urls.txt'}",
                    f"--output_folder={folder / 'out'}",
                    "--input_format=txt",
                    "--output_format=files",
                    "--processes_count=2",
                    f"--thread_count={CONNECTIONS // 2}",
                    "--resize_mode=no",
                    "--skip_reencode=True",
                    f"--timeout={TIMEOUT_S}",
                    "--number_sample_per_shard=1000",
                    "--enable_wandb=False",
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            )
            watch = Watch(process.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(most_s)
            seconds = time.monotonic() - began
            stopped = process.poll() is None
            watch.end()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        useful = sum(1 for _ in (folder / "out").glob("*/*.jpg"))
        return Result(
            name,
            urls,
            0,
            useful,
            seconds,
            watch.cpu_s,
            watch.own_mib,
            watch.tree_mib,
            stopped=stopped,
        )


def kills(urls: int, times: int) -> str:
    """Kills the fetching at random moments; says what was lost and what fetched twice."""
    rng = random.Random(11)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with shops(folder, urls, ("good", "gone", "html", "refused")) as log:
            fill(folder, (folder / "urls.txt").read_text().split())
            good: set[int] = set()
            lost = twice = 0
            for number in range(times + 1):
                before = Counter(log.read_text().split())
                process = started(folder)
                if number < times:
                    wait_for = len(good) + rng.randrange(1, max(2, urls // (2 * times)))
                    while process.poll() is None and states(folder)["good"] < wait_for:
                        time.sleep(0.05)
                    process.kill()
                process.wait()
                time.sleep(0.5)
                after = Counter(log.read_text().split())
                twice += sum(after[str(n)] > before[str(n)] for n in good)
                now = {
                    row[0] for row in rows(folder, "select id - 1 from link where state = 'good'")
                }
                lost += len(good - now)
                good = now
            asked = Counter(log.read_text().split())
            again = sum(number - 1 for number in asked.values())
            files = sum(1 for _ in (folder / "images").glob("*/*.jpeg"))
    return (
        f"{times} kills: {lost} good images lost, {twice} good images fetched twice, {again} of "
        f"{len(asked):,} fetched again because the kill came before they were written; "
        f"{len(good):,} good links and {files:,} files at the end."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--peer", type=Path, help="Virtual environment that has img2dataset.")
    parser.add_argument(
        "--patience", type=float, default=4.0, help="img2dataset may take this times our time."
    )
    parser.add_argument("--json", type=Path, help="File that gets the rows, too.")
    parser.add_argument("--fetch", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.fetch:
        fetch(given.fetch)
        return
    few = given.urls // 10
    print(HEADING, flush=True)
    results = []

    def show(result: Result) -> Result:
        print(result.row(), flush=True)
        results.append(result)
        if given.json:
            given.json.write_text(json.dumps([vars(each) for each in results], indent=1))
        return result

    show(bare("bare aiohttp client, keeps nothing, good links only", few))
    show(ours("all kinds of links", few))
    sets = (
        ("good links only", few, GOOD),
        ("links that end", few, ENDING),
        ("all kinds of links", given.urls, ()),
    )
    took = [show(ours(*each)).seconds for each in sets]
    with tempfile.TemporaryDirectory() as place:
        command = peer_command(given.peer, Path(place))
        if command is None:
            print(f"{PEER} cannot be installed here.")
        else:
            for (name, urls, kinds), seconds in zip(sets, took, strict=True):
                most_s = max(_LEAST_S, given.patience * seconds)
                show(peer(command, f"img2dataset, {name}", urls, most_s, kinds))
    if given.kills:
        print(f"\n{kills(few, given.kills)}")


if __name__ == "__main__":
    main()
