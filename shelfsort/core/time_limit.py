"""A bound on the time of a block of a coroutine, without a task of its own."""

import asyncio
from types import TracebackType


class TimeLimit:
    """Cancels what its block waits for when the time is over, and raises TimeoutError instead.

    As `asyncio.timeout`, which Python 3.10 lacks. `asyncio.wait_for` makes a task for each call,
    which costs as much as all else of a small download in the event loop.
    """

    __slots__ = ("_before", "_expired", "_handle", "_seconds", "_task")

    def __init__(self, seconds: float):
        """`seconds` from the beginning of the block. Used in a task, once."""
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a task")
        self._task = task
        self._before = task.cancelling() if hasattr(task, "cancelling") else 0
        self._handle = asyncio.get_running_loop().call_later(self._seconds, self._expire)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._handle.cancel()
        if not self._expired:
            return
        # Somebody else may have cancelled the task, too: that has to end it.
        asked = self._task.uncancel() if hasattr(self._task, "uncancel") else self._before
        if asked <= self._before and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise asyncio.TimeoutError from error

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
