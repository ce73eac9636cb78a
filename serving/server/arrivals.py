"""Requests on their way in: bounded in time and number, so that slow ones cost nobody else."""

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import TypeVar

from grpc import StatusCode

from serving.status import ServingError, resource_exhausted, unavailable

Message = TypeVar("Message")

SLOW_SECONDS = 1.0
"""What takes longer to arrive is slow: it may be dropped in favour of what comes later."""
MAX_QUICK = 256
"""Requests that may be arriving at once, slow or not."""
# In which a request must arrive once the server stops.
_LAST_SECONDS = 1.0


class Arrivals:
    """Waits for requests to arrive. All of it happens in one event loop.

    The oldest is dropped when there are too many: whoever sends is done long before that, and
    whoever drips is the oldest.

    Args:
        max_slow: that have been arriving for `SLOW_SECONDS` or more.
        seconds: in which a request must have arrived.
    """

    def __init__(self, max_slow: int, seconds: float):
        self._max_slow = max_slow
        self._seconds = seconds
        # In the order of their beginnings.
        self._arriving: dict[asyncio.Future, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._arriving)

    async def of(self, message: Awaitable[Message]) -> Message:
        """The message, once it is there.

        Raises:
            ServingError: DEADLINE_EXCEEDED: it took too long; RESOURCE_EXHAUSTED: it was dropped;
                UNAVAILABLE: the server stops.
        """
        self._loop = loop = asyncio.get_running_loop()
        reading = asyncio.ensure_future(message)
        began = self._arriving[reading] = loop.time()
        timer = loop.call_later(SLOW_SECONDS, self._drop_slow)
        self._drop_oldest(MAX_QUICK)
        seconds = _LAST_SECONDS if self._closed else self._seconds
        try:
            done, _ = await asyncio.wait({reading}, timeout=seconds)
        finally:
            timer.cancel()
            self._arriving.pop(reading, None)
            if not reading.done():
                reading.cancel()
        if not done:
            raise ServingError(
                StatusCode.DEADLINE_EXCEEDED,
                f"The request did not arrive within {seconds:g} s",
            )
        if reading.cancelled():
            if self._closed:
                raise unavailable("The server is shutting down")
            raise resource_exhausted(
                f"The request was still arriving after {loop.time() - began:.1f} s, and others came"
            )
        return reading.result()

    def close(self) -> None:
        """Drops what is still arriving, and what comes later soon; safe from any thread.

        Nobody who never sends may hold up the end of the server.
        """
        self._closed = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._drop_oldest, 0)

    def _drop_slow(self) -> None:
        now = asyncio.get_running_loop().time()
        slow = [each for each, began in self._arriving.items() if now - began >= SLOW_SECONDS]
        for reading in slow[: max(0, len(slow) - self._max_slow)]:
            self._drop(reading)

    def _drop_oldest(self, allowed: int) -> None:
        while len(self._arriving) > allowed:
            self._drop(next(iter(self._arriving)))

    def _drop(self, reading: asyncio.Future) -> None:
        del self._arriving[reading]
        reading.cancel()
