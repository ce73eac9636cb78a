"""An aiohttp client that reads pictures, many at a time, and keeps none.

    python benchmarks/bare_client.py urls.txt

What it reads a second is what a server and a machine give. Prints the number of pictures read.
"""

import argparse
import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp

CONNECTIONS, TIMEOUT_S = 64, 5


async def read(urls: list[str]) -> int:
    """The number of addresses that answered with status 200 and a whole body."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        left = iter(urls)
        return sum(await asyncio.gather(*(_work(session, left) for _ in range(CONNECTIONS))))


async def _work(session: aiohttp.ClientSession, left: Iterator[str]) -> int:
    good = 0
    for url in left:
        async with session.get(url) as response:
            body = await response.read()
            good += response.status == 200 and len(body) > 0
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("urls", type=Path, help="File of addresses, one a line.")
    given = parser.parse_args()
    print(asyncio.run(read(given.urls.read_text().split())))


if __name__ == "__main__":
    main()
