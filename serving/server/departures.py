"""Answers on their way out: bounded in memory, because nobody has to take them."""

import asyncio
from collections.abc import Awaitable

from serving.server.budget import BYTES_PER_ANSWER, Budget, Hold
from shelfsort.core.time_limit import TimeLimit

SMALL_BYTES = 1 << 16
"""An answer up to this size has one half of the memory, and larger ones the other: whoever leaves
large ones lying keeps nobody from small ones."""
_TAKING_SECONDS = 60.0
_TAKEN_BYTES_PER_SECOND = 100_000


class Departures:
    """Adds up the answers that have not been taken: one account for both ports.

    Args:
        limit: in bytes.
    """

    def __init__(self, limit: int):
        words = "answer", "answers that have not been taken"
        self._small, self._large = (Budget(limit // 2, *words) for _ in range(2))

    def of_call(self, size: int) -> None:
        """Counts the answer of a gRPC call until its task ends, which is when it has been taken.

        The context's own callbacks would keep it, and its place on the connection, until Python
        looks for cycles.

        Args:
            size: bytes of the answer.

        Raises:
            ServingError: RESOURCE_EXHAUSTED: there is no room.
        """
        hold = self._hold(size)
        if task := asyncio.current_task():
            task.add_done_callback(lambda _: hold.release())

    async def of_connection(self, sending: Awaitable[None], size: int) -> None:
        """Counts an answer over REST until it has been sent.

        Args:
            sending: ends when the client has taken the answer.
            size: bytes of the answer.

        Raises:
            ServingError: RESOURCE_EXHAUSTED: there is no room, and nothing is sent.
            asyncio.TimeoutError: the client takes it too slowly.
        """
        with self._hold(size), TimeLimit(_TAKING_SECONDS + size / _TAKEN_BYTES_PER_SECOND):
            await sending

    def _hold(self, size: int) -> Hold:
        hold = (self._small if size <= SMALL_BYTES else self._large).hold()
        hold.add(size + BYTES_PER_ANSWER)
        return hold
