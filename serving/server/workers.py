"""Who does the work: threads for requests that have arrived, and a lane for large ones."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from serving.server.budget import Hold
from serving.server.limits import MAX_LARGE_WAITING
from serving.status import caller_gone, resource_exhausted, unavailable

Result = TypeVar("Result")


class Workers:
    """Threads that answer requests of both ports.

    Args:
        threads: at work at once.
        max_in_hand: requests waiting or at work; more are refused.
    """

    def __init__(self, threads: int, max_in_hand: int):
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="answer")
        # What tells how the server is must not wait behind what makes it busy.
        self._aside = ThreadPoolExecutor(2, thread_name_prefix="aside")
        self._max_in_hand = max_in_hand
        self._lock = threading.Lock()
        self._in_hand = 0
        self.large = Lane(MAX_LARGE_WAITING)

    async def run(
        self, work: Callable[[], Result], alive: Callable[[], bool], held: Hold
    ) -> Result:
        """The result of the work, done in a thread.

        Args:
            work: what to do.
            alive: tells whether anybody still wants it; what nobody wants is not begun.
            held: memory, given back when the work has ended: perhaps after its caller has gone.

        Raises:
            ServingError: RESOURCE_EXHAUSTED when too much is in hand, CANCELLED when nobody waits.
        """

        def do() -> Result:
            if not alive():
                raise caller_gone()
            return work()

        def finished(_: object) -> None:
            held.release()
            with self._lock:
                self._in_hand -= 1

        with self._lock:
            if self._in_hand >= self._max_in_hand:
                held.release()
                raise resource_exhausted("Too many requests are in hand")
            self._in_hand += 1
        try:
            future = self._threads.submit(do)
        except RuntimeError as error:
            finished(None)
            raise unavailable("The server is shutting down") from error
        future.add_done_callback(finished)
        return await asyncio.wrap_future(future)

    async def run_aside(self, work: Callable[[], Result]) -> Result:
        """The same for quick work, in threads of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._aside, work)

    def close(self) -> None:
        """Begins nothing more; what is at work goes on."""
        for pool in (self._threads, self._aside):
            pool.shutdown(wait=False, cancel_futures=True)


class Lane:
    """Lets large requests pass one by one, so that they leave the other places to small ones.

    Args:
        max_waiting: that may wait, each in a thread; more are refused.
    """

    def __init__(self, max_waiting: int):
        self._max_waiting = max_waiting
        self._lock = threading.Lock()
        self._waiting = 0
        self._free = threading.Lock()

    @contextlib.contextmanager
    def __call__(self, alive: Callable[[], bool]) -> Iterator[None]:
        """A turn.

        Raises:
            ServingError: RESOURCE_EXHAUSTED when too many wait, CANCELLED when the caller has gone.
        """
        with self._lock:
            if self._waiting > self._max_waiting:
                raise resource_exhausted("Too many large requests are waiting")
            self._waiting += 1
        try:
            with self._free:
                if not alive():
                    raise caller_gone()
                yield
        finally:
            with self._lock:
                self._waiting -= 1
