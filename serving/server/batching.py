"""Micro-batching without a wait: a run takes along whatever is waiting when it starts."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from serving.status import caller_gone, unavailable

Arrays = Sequence[np.ndarray]

PART_SECONDS = 0.1
"""That a part of a large call may take: then others have their turn, and its caller may be gone."""
SHORT_PART_SECONDS = 0.02
"""The same beside small calls, which share the processors with it."""
RESERVED_SECONDS = 1.0
"""After a small call, in which more of them are expected."""


@dataclass(eq=False)
class _Call:
    """One caller's rows and, later, the answer; `gate` is locked until there is something to do."""

    arrays: Arrays
    rows: int
    kind: tuple
    alive: Callable[[], bool]
    large: bool
    gate: threading.Lock = field(default_factory=threading.Lock)
    leads: bool = False
    result: Arrays | None = None
    error: BaseException | None = None


class MicroBatcher:
    """Joins concurrent calls of one model function along the first dimension.

    There is no batching thread and no timer. A call that finds a free place runs at once, in its
    own thread, so a lone caller pays nothing. Calls that find all places taken wait; whoever
    finishes a run hands its place to the oldest of them, which takes the others along.

    Only calls whose arrays agree in type and in all other dimensions are joined. A run that fails
    is repeated one call at a time, so that a bad row fails nobody else. A caller that has gone
    away is left out, and never takes the place with it.

    A call with more rows than one run joins is large. It runs in parts of `join_rows`, or of more
    rows where these take less than `PART_SECONDS`; each part waits for a place of its own, and runs
    alone. While small calls come, large ones leave a place to them, and their parts are short.

    Args:
        run: maps the input arrays to the output arrays; safe to call from several threads.
        parallel: places, that is, runs at once; at least 1.
        join_rows: of one run of several calls.
        max_queued: calls that may wait.
    """

    def __init__(
        self,
        run: Callable[[Arrays], Arrays],
        parallel: int,
        join_rows: int,
        max_queued: int = 1000,
    ):
        self._run = run
        self._join_rows = join_rows
        self._max_queued = max_queued
        self._lock = threading.Lock()
        self._free = parallel
        self._parallel = parallel
        self._large_running = 0
        self._last_small = -math.inf
        self._row_seconds = math.inf
        self._waiting: deque[_Call] = deque()
        # Set for good once the outputs turn out not to have a row for each row of the inputs.
        self._separable = True

    def __call__(
        self,
        arrays: Arrays,
        alive: Callable[[], bool] = lambda: True,
        large: bool = False,
    ) -> Arrays:
        """The outputs for these inputs, each with the same number of rows.

        Args:
            arrays: inputs, all with the same first dimension.
            alive: tells whether the caller still wants the answer.
            large: whether the call is large for another reason than its rows.

        Raises:
            ServingError: UNAVAILABLE when too many wait, CANCELLED when the caller went away
                while waiting; and whatever `run` raises.
        """
        rows = arrays[0].shape[0]
        large = large or rows > self._join_rows
        if rows > self._join_rows and self._separable:
            outputs = self._in_parts(arrays, alive)
            if outputs is not None:
                return outputs
        return self._once(arrays, alive, large)

    def _in_parts(self, arrays: Arrays, alive: Callable[[], bool]) -> Arrays | None:
        """The outputs of a large call; None if those of its parts cannot be put together."""
        rows, start = arrays[0].shape[0], 0
        parts: list[Arrays] = []
        while start < rows:
            end = start + self._part_rows()
            outputs = self._once([array[start:end] for array in arrays], alive, large=True)
            if not _fit(outputs, parts[0] if parts else outputs, min(end, rows) - start):
                self._separable = False
                return None
            parts.append(outputs)
            start = end
        if len(parts) == 1:
            return parts[0]
        return [np.concatenate(each) for each in zip(*parts, strict=True)]

    def _part_rows(self) -> int:
        if self._small_calls_come():
            return max(1, int(SHORT_PART_SECONDS / self._row_seconds))
        return max(self._join_rows, int(PART_SECONDS / self._row_seconds))

    def _small_calls_come(self) -> bool:
        return time.monotonic() - self._last_small < RESERVED_SECONDS

    def _once(self, arrays: Arrays, alive: Callable[[], bool], large: bool) -> Arrays:
        rows = arrays[0].shape[0]
        kind = tuple((array.dtype, array.shape[1:]) for array in arrays)
        call = _Call(arrays, rows, kind, alive, large)
        self._enter(call)
        if call.leads:
            self._lead(call)
        if call.error is not None:
            raise call.error
        return call.result

    def _enter(self, call: _Call) -> None:
        """Takes a free place or waits until the call is answered or is handed a place."""
        with self._lock:
            if not call.large:
                self._last_small = time.monotonic()
            if self._free and (not call.large or self._large_running < self._large_places()):
                self._take_place(call)
                return
            if len(self._waiting) >= self._max_queued:
                raise unavailable(
                    "The batch scheduling queue to which this task was submitted is full"
                )
            call.gate.acquire()
            self._waiting.append(call)
        with call.gate:
            pass

    def _large_places(self) -> int:
        """How many places large calls may have now. The lock is held."""
        return max(1, self._parallel - self._small_calls_come())

    def _take_place(self, call: _Call) -> None:
        """The lock is held."""
        self._free -= 1
        self._large_running += call.large
        call.leads = True

    def _lead(self, call: _Call) -> None:
        batch = [call]
        try:
            batch = self._take_along(call)
            self._answer(batch)
        # An interrupt, too: the others of the batch would wait for ever.
        except BaseException as error:
            for member in batch:
                member.error = member.error or error
            raise
        finally:
            self._leave(call)
            for member in batch:
                if member is not call:
                    member.gate.release()

    def _take_along(self, leader: _Call) -> list[_Call]:
        """The leader and those waiting that fit into its run, oldest first."""
        batch, rows, passed_over = [leader], leader.rows, []
        joins = self._separable and not leader.large
        with self._lock:
            while joins and self._waiting and rows < self._join_rows:
                call = self._waiting.popleft()
                fits = call.kind == leader.kind and rows + call.rows <= self._join_rows
                if fits and not call.large:
                    batch.append(call)
                    rows += call.rows
                else:
                    passed_over.append(call)
            self._waiting.extendleft(reversed(passed_over))
        return batch

    def _leave(self, call: _Call) -> None:
        """Hands places on to the oldest that may have them, or frees them."""
        with self._lock:
            self._free += 1
            self._large_running -= call.large
            large_places = self._large_places()
            while self._free:
                any_size = self._large_running < large_places
                heir = next((each for each in self._waiting if any_size or not each.large), None)
                if heir is None:
                    break
                self._waiting.remove(heir)
                self._take_place(heir)
                heir.gate.release()

    def _answer(self, batch: list[_Call]) -> None:
        wanted = []
        for call in batch:
            if call.alive():
                wanted.append(call)
            else:
                call.error = caller_gone()
        if len(wanted) > 1 and self._answer_together(wanted):
            return
        for call in wanted:
            try:
                call.result = self._timed(call)
            # Its caller gets whatever the model raised; the next call goes on.
            except Exception as error:
                call.error = error

    def _timed(self, call: _Call) -> Arrays:
        started = time.monotonic()
        outputs = self._run(call.arrays)
        if call.large and call.rows:
            # Not 0, whatever the clock does.
            self._row_seconds = max(1e-6, (time.monotonic() - started) / call.rows)
        return outputs

    def _answer_together(self, batch: list[_Call]) -> bool:
        """One run for all; False if it failed or its outputs cannot be divided among the calls."""
        joined = [np.concatenate(parts) for parts in zip(*(c.arrays for c in batch), strict=True)]
        try:
            outputs = self._run(joined)
        # Whatever failed, each call then runs alone and gets an error of its own.
        except Exception:
            return False
        rows = sum(call.rows for call in batch)
        if not _fit(outputs, outputs, rows):
            self._separable = False
            return False
        start = 0
        for call in batch:
            call.result = [output[start : start + call.rows] for output in outputs]
            start += call.rows
        return True


def _fit(outputs: Arrays, others: Arrays, rows: int) -> bool:
    """Whether outputs have so many rows, and else the shapes of other outputs."""
    return all(
        np.ndim(output) and np.shape(output) == (rows, *np.shape(other)[1:])
        for output, other in zip(outputs, others, strict=True)
    )
