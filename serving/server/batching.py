"""Micro-batching without a wait: a run takes along whatever is waiting when it starts."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from serving.status import caller_gone, unavailable

Arrays = Sequence[np.ndarray]


@dataclass(eq=False)
class _Call:
    """One caller's rows and, later, the answer; `gate` is locked until there is something to do."""

    arrays: Arrays
    rows: int
    kind: tuple
    alive: Callable[[], bool]
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

    Args:
        run: maps the input arrays to the output arrays; safe to call from several threads.
        parallel: places, that is, runs at once; at least 1.
        join_rows: of one run of several calls; a call with more rows runs alone.
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
        self._waiting: deque[_Call] = deque()
        # Set for good once the outputs turn out not to have a row for each row of the inputs.
        self._separable = True

    def __call__(self, arrays: Arrays, alive: Callable[[], bool] = lambda: True) -> Arrays:
        """The outputs for these inputs, each with the same number of rows.

        Args:
            arrays: inputs, all with the same first dimension.
            alive: tells whether the caller still wants the answer.

        Raises:
            ServingError: UNAVAILABLE when too many wait, CANCELLED when the caller went away
                while waiting; and whatever `run` raises.
        """
        rows = arrays[0].shape[0]
        kind = tuple((array.dtype, array.shape[1:]) for array in arrays)
        call = _Call(arrays, rows, kind, alive)
        self._enter(call)
        if call.leads:
            self._lead(call)
        if call.error is not None:
            raise call.error
        return call.result

    def _enter(self, call: _Call) -> None:
        """Takes a free place or waits until the call is answered or is handed a place."""
        with self._lock:
            if self._free:
                self._free -= 1
                call.leads = True
                return
            if len(self._waiting) >= self._max_queued:
                raise unavailable(
                    "The batch scheduling queue to which this task was submitted is full"
                )
            call.gate.acquire()
            self._waiting.append(call)
        with call.gate:
            pass

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
            self._leave()
            for member in batch:
                if member is not call:
                    member.gate.release()

    def _take_along(self, leader: _Call) -> list[_Call]:
        """The leader and those waiting that fit into its run, oldest first."""
        batch, rows, passed_over = [leader], leader.rows, []
        with self._lock:
            while self._separable and self._waiting and rows < self._join_rows:
                call = self._waiting.popleft()
                if call.kind == leader.kind and rows + call.rows <= self._join_rows:
                    batch.append(call)
                    rows += call.rows
                else:
                    passed_over.append(call)
            self._waiting.extendleft(reversed(passed_over))
        return batch

    def _leave(self) -> None:
        """Hands the place on, or frees it."""
        with self._lock:
            if self._waiting:
                heir = self._waiting.popleft()
                heir.leads = True
                heir.gate.release()
            else:
                self._free += 1

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
                call.result = self._run(call.arrays)
            # Its caller gets whatever the model raised; the next call goes on.
            except Exception as error:
                call.error = error

    def _answer_together(self, batch: list[_Call]) -> bool:
        """One run for all; False if it failed or its outputs cannot be divided among the calls."""
        joined = [np.concatenate(parts) for parts in zip(*(c.arrays for c in batch), strict=True)]
        try:
            outputs = self._run(joined)
        # Whatever failed, each call then runs alone and gets an error of its own.
        except Exception:
            return False
        rows = sum(call.rows for call in batch)
        if any(output.ndim == 0 or output.shape[0] != rows for output in outputs):
            self._separable = False
            return False
        start = 0
        for call in batch:
            call.result = [output[start : start + call.rows] for output in outputs]
            start += call.rows
        return True
