"""Runs what blocks without waiting for what never comes back."""

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")


class DaemonThreads:
    """A thread for each piece of work: a stuck one delays neither others nor the end."""

    def __init__(self, name: str, at_once: int):
        """Made in the event loop that it is used in.

        Args:
            name: of the threads.
            at_once: most threads; those that nobody waits for any more count, too.
        """
        self._name = name
        self._free = asyncio.Semaphore(at_once)
        self._loop = asyncio.get_running_loop()

    async def run(self, work: Callable[[], _T], wait_s: float) -> _T:
        """What some work gives, or raises.

        Args:
            work: that may block.
            wait_s: how long it may take.

        Raises:
            TimeoutError: it takes longer (before Python 3.11: asyncio.TimeoutError); its thread
                goes on alone.
        """
        found: asyncio.Future[_T] = self._loop.create_future()
        await self._free.acquire()
        threading.Thread(target=self._run, args=(found, work), name=self._name, daemon=True).start()
        return await asyncio.wait_for(found, wait_s)

    def _run(self, found: "asyncio.Future[_T]", work: Callable[[], _T]) -> None:
        tell: Callable[[], None]
        try:
            tell = functools.partial(found.set_result, work())
        # It is raised where somebody waits for it.
        except Exception as error:
            tell = functools.partial(found.set_exception, error)
        # The loop may have ended meanwhile: then nobody waits.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell, found, tell)

    def _tell(self, found: "asyncio.Future[Any]", tell: Callable[[], None]) -> None:
        self._free.release()
        if not found.done():
            tell()
