"""Looks names up without waiting for a name server that does not answer."""

import asyncio
import functools
import socket
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from shelfsort.core.daemon_threads import DaemonThreads

_AT_ONCE = 64
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class DaemonResolver(AbstractResolver):
    """The system's look-up in daemon threads: a stuck one delays neither others nor the end."""

    def __init__(self, wait_s: float):
        """`wait_s` is how long a name may take. Made in the event loop that it is used in."""
        self._wait_s = wait_s
        self._threads = DaemonThreads("names", _AT_ONCE)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name.

        Raises:
            OSError: it has none, or no answer came in time.
        """
        look_up = functools.partial(_addresses, host, port, family)
        try:
            return await self._threads.run(look_up, self._wait_s)
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise OSError(None, "no name server answered in time") from error
        # A name that no system accepts raises UnicodeError, a ValueError.
        except ValueError as error:
            raise OSError(None, str(error)) from error

    async def close(self) -> None:
        """Nothing is kept."""


def _addresses(host: str, port: int, family: Any) -> list[ResolveResult]:
    flags = socket.AI_ADDRCONFIG
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=flags)
    found = []
    for kind, _, protocol, _, address in entries:
        # An address with a zone belongs to one link, and aiohttp could not keep the zone.
        if kind == socket.AF_INET6 and len(address) > 3 and address[3]:
            continue
        found.append(
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=_NUMERIC,
            )
        )
    if not found:
        raise OSError(None, "the name has no address")
    return found
