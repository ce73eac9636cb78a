"""A local server of picture links, good and bad, for benchmarks: little work for each request.

    python benchmarks/picture_shops.py --urls 100000 --list urls.txt --log asked.log

Every shop is a loopback address of its own. `--list` gets the addresses, one a line; `--log` one
line for each answered request for a good picture. Prints the port, then serves until it is killed.
"""

import argparse
import asyncio
import hashlib
import io
import random
import resource
from pathlib import Path
from typing import TextIO

import numpy as np
from PIL import Image

LATENCY_S = 0.05
LINKS_A_SHOP = 200
# Shares of all links. The first six are spread over all living shops; the others fill shops.
SPREAD = {"good": 0.60, "gone": 0.12, "html": 0.04, "broken": 0.01, "short": 0.02, "huge": 0.01}
SHOPS = {"refused": 0.08, "silent": 0.06, "drip": 0.03, "endless": 0.03}
PICTURES = 64
_ENDS_AFTER_S = 60.0
_MAGIC = b"/p/"


def kinds(urls: int, only: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Host and kind of each link, in the order of a catalogue: shop by shop."""
    rng = random.Random(7)
    shares = {**SPREAD, **SHOPS}
    if only:
        shares = {name: share for name, share in shares.items() if name in only}
    whole = sum(shares.values())
    numbers = {name: round(urls * share / whole) for name, share in shares.items()}
    numbers["good"] += urls - sum(numbers.values())
    spread = [name for name in SPREAD for _ in range(numbers.get(name, 0))]
    rng.shuffle(spread)
    groups = [spread[n : n + LINKS_A_SHOP] for n in range(0, len(spread), LINKS_A_SHOP)]
    for name in SHOPS:
        left = numbers.get(name, 0)
        while left > 0:
            groups.append([name] * min(LINKS_A_SHOP, left))
            left -= LINKS_A_SHOP
    rng.shuffle(groups)
    return [(_address(n), kind) for n, group in enumerate(groups) for kind in group]


def _address(number: int) -> str:
    return f"127.1.{number // 250 + 1}.{number % 250 + 1}"


def links(urls: int, port: int, only: tuple[str, ...] = ()) -> list[str]:
    """The addresses. Shops that refuse connections have a port where nobody listens."""
    found = []
    for number, (host, kind) in enumerate(kinds(urls, only)):
        at = port + 1 if kind == "refused" else port
        found.append(f"http://{host}:{at}/p/{kind}/{number}.jpg")
    return found


def pictures() -> list[bytes]:
    """Photographs of 256 x 256 pixels, 7 to 9 kB each."""
    found = []
    for seed in range(PICTURES):
        rng = np.random.default_rng(seed)
        coarse = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((256, 256), Image.Resampling.BICUBIC)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=85)
        found.append(out.getvalue())
    return found


class Shop(asyncio.Protocol):
    """Answers the requests of one connection, each after the latency."""

    bodies: list[bytes]
    log: TextIO

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.loop = asyncio.get_running_loop()
        self.received = b""
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False

    def data_received(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, self.received = self.received.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1]
            self.loop.call_later(LATENCY_S, self._answer, path)

    def _answer(self, path: bytes) -> None:
        if not self.open:
            return
        if not path.startswith(_MAGIC):
            self._write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        kind, _, name = path[len(_MAGIC) :].decode().partition("/")
        number = int(name.partition(".")[0])
        getattr(self, f"_{kind}")(number)

    def _write(self, content: bytes) -> None:
        self.transport.write(content)  # type: ignore[attr-defined]

    def _ok(self, body: bytes, length: int | None = None, kind: str = "image/jpeg") -> None:
        size = len(body) if length is None else length
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n"
        self._write(head.encode() + body)

    def _body(self, number: int) -> bytes:
        # Each link has a picture of its own: what follows the end of a JPEG is not shown.
        return self.bodies[number % PICTURES] + hashlib.md5(b"%d" % number).digest()

    def _good(self, number: int) -> None:
        self.log.write(f"{number}\n")
        self._ok(self._body(number))

    def _gone(self, number: int) -> None:
        self._write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone")

    def _html(self, number: int) -> None:
        self._ok(b"<!doctype html><title>Sold out</title>" * 20)

    def _broken(self, number: int) -> None:
        self._ok(self._body(number)[: len(self._body(number)) // 2])

    def _short(self, number: int) -> None:
        body = self._body(number)
        self._ok(body[: len(body) // 2], len(body))
        self.transport.close()

    def _huge(self, number: int) -> None:
        self._ok(self._body(number), 10**12)

    def _silent(self, number: int) -> None:
        self.loop.call_later(_ENDS_AFTER_S, self.transport.close)

    def _drip(self, number: int) -> None:
        self._write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 9000\r\n\r\n")
        self._go_on(b"\xff", 0.5, self.loop.time() + _ENDS_AFTER_S)

    def _endless(self, number: int) -> None:
        self._write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff")
        self._go_on(bytes(65_536), 0.02, self.loop.time() + _ENDS_AFTER_S)

    def _go_on(self, piece: bytes, pause_s: float, until: float) -> None:
        if not self.open:
            return
        if self.loop.time() > until:
            self.transport.close()
            return
        if self.transport.get_write_buffer_size() < 1 << 20:  # type: ignore[attr-defined]
            self._write(piece)
        self.loop.call_later(pause_s, self._go_on, piece, pause_s, until)


async def serve(port: int, log: TextIO) -> None:
    """Serves on every loopback address until the process ends."""
    Shop.bodies, Shop.log = pictures(), log
    loop = asyncio.get_running_loop()
    await loop.create_server(Shop, "0.0.0.0", port, backlog=4_096)
    print(port, flush=True)
    while True:
        await asyncio.sleep(0.2)
        log.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", type=int, default=100_000)
    parser.add_argument("--only", nargs="*", default=(), help="Kinds of links; default: all.")
    parser.add_argument("--port", type=int, default=18_777)
    parser.add_argument("--list", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    given = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    given.list.write_text("\n".join(links(given.urls, given.port, tuple(given.only))) + "\n")
    with given.log.open("a") as log:
        asyncio.run(serve(given.port, log))


if __name__ == "__main__":
    main()
