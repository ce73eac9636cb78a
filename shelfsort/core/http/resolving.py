"""Looks names up without waiting for a name server that does not answer."""

import asyncio
import contextlib
import socket
import threading
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

_AT_ONCE = 64
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class DaemonResolver(AbstractResolver):
    """The system's look-up in daemon threads: a stuck one delays neither others nor the end."""

    def __init__(self, wait_s: float):
        """`wait_s` is how long a name may take. Made in the event loop that it is used in."""
        self._wait_s = wait_s
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._loop = asyncio.get_running_loop()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name.

        Raises:
            OSError: it has none, or no answer came in time.
        """
        found: asyncio.Future[list[ResolveResult]] = self._loop.create_future()
        await self._free.acquire()
        work = (found, host, port, family)
        threading.Thread(target=self._look_up, args=work, name="names", daemon=True).start()
        try:
            return await asyncio.wait_for(found, self._wait_s)
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise OSError(None, "no name server answered in time") from error

    def _look_up(
        self, found: "asyncio.Future[list[ResolveResult]]", host: str, port: int, family: Any
    ) -> None:
        answer: list[ResolveResult] | OSError
        try:
            answer = _addresses(host, port, family)
        # A name that no system accepts raises UnicodeError, a ValueError.
        except (OSError, ValueError) as error:
            answer = error if isinstance(error, OSError) else OSError(None, str(error))
        # The loop may have ended meanwhile: then nobody waits.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell, found, answer)

    def _tell(
        self, found: "asyncio.Future[list[ResolveResult]]", answer: list[ResolveResult] | OSError
    ) -> None:
        self._free.release()
        if found.done():
            return
        if isinstance(answer, OSError):
            found.set_exception(answer)
        else:
            found.set_result(answer)

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
