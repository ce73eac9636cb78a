"""Gives pictures to the processes that decode and keep them."""

import asyncio
import contextlib
import itertools
import json
import os
import sys

from shelfsort.catalog.fetching.decoding_process import BEGUN, HEADER
from shelfsort.catalog.fetching.outcomes import Stored

_MODULE = "shelfsort.catalog.fetching.decoding_process"
_MOST = 8


class RejectedPictureError(Exception):
    """The bytes are no picture that can be used.

    Attributes:
        outcome: `not_an_image` or `too_large`.
    """

    def __init__(self, outcome: str, detail: str):
        super().__init__(detail)
        self.outcome = outcome


class StoreError(Exception):
    """A picture cannot be written; the message says why."""


class _LostError(Exception):
    """The process ended before it began with the picture."""


class Decoders:
    """A few processes. One that a picture breaks is replaced, and that picture rejected."""

    def __init__(self, store: str, max_pixels: int):
        """Starts nothing yet; see `start`. Made in the event loop that it is used in.

        Args:
            store: place of the pictures.
            max_pixels: a larger picture is rejected.
        """
        self._arguments = (store, str(max_pixels))
        self._number = min(_MOST, max(2, len(os.sched_getaffinity(0))))
        self._running: list[_Process] = []
        self._ended: list[_Process] = []
        self._starting = asyncio.Lock()
        self._ids = itertools.count(1)
        self._closed = False

    async def start(self) -> None:
        """Starts the processes."""
        for _ in range(self._number):
            self._running.append(await _Process.started(self._arguments))

    async def settle(self, content: bytes) -> Stored:
        """Decodes a picture and keeps it in the store.

        Raises:
            RejectedPictureError: it is none.
            StoreError: it cannot be written.
        """
        while True:
            process = await self._free()
            with contextlib.suppress(_LostError):
                return await process.settle(next(self._ids), content)
            if self._closed or not process.has_begun:
                raise StoreError("the processes that decode pictures end at once")

    async def _free(self) -> "_Process":
        """The process with the least to do; those that have ended are replaced."""
        if not all(process.alive for process in self._running):
            await self._replace()
        if not self._running:
            raise StoreError("the run has ended")
        return min(self._running, key=lambda process: process.load)

    async def _replace(self) -> None:
        async with self._starting:
            for process in [each for each in self._running if not each.alive]:
                self._running.remove(process)
                self._ended.append(process)
                if not self._closed:
                    self._running.append(await _Process.started(self._arguments))

    async def end(self) -> None:
        """Kills the processes. What they have not finished is lost."""
        self._closed = True
        async with self._starting:
            await asyncio.gather(*(each.end() for each in (*self._running, *self._ended)))


class _Process:
    def __init__(self, process: asyncio.subprocess.Process, begun: int):
        self._process, self._begun = process, begun
        self._waiting: dict[int, asyncio.Future[Stored]] = {}
        self._writing = asyncio.Lock()
        self.has_begun = False
        self.alive = True
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def started(cls, arguments: tuple[str, ...]) -> "_Process":
        # The process writes there which picture it decodes: who ends it can be known afterwards.
        begun = os.memfd_create("begun")
        # Of a session of its own: Ctrl-C is for this process alone.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _MODULE,
            *arguments,
            str(begun),
            pass_fds=(begun,),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        return cls(process, begun)

    @property
    def load(self) -> int:
        """Number of pictures that it has to do."""
        return len(self._waiting)

    @property
    def decoding(self) -> int:
        """The number of the picture that it decodes, or did last; 0 before the first."""
        found = os.pread(self._begun, BEGUN.size, 0)
        return int(BEGUN.unpack(found)[0]) if found else 0

    async def end(self) -> None:
        self.alive = False
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._reader
        os.close(self._begun)
        if self._process.stdin is not None:
            self._process.stdin.close()
            with contextlib.suppress(ConnectionError):
                await self._process.stdin.wait_closed()

    async def settle(self, number: int, content: bytes) -> Stored:
        found: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._waiting[number] = found
        try:
            await self._give(number, content)
            if not self.alive and not found.done():
                raise _LostError
            return await found
        finally:
            # Who waited may be cancelled: then nobody takes what becomes of the picture.
            found.cancel()

    async def _give(self, number: int, content: bytes) -> None:
        async with self._writing:
            if self.alive and self._process.stdin is not None:
                with contextlib.suppress(ConnectionError):
                    self._process.stdin.write(HEADER.pack(number, len(content)) + content)
                    await self._process.stdin.drain()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self._heard(json.loads(line))
        self.alive = False
        decoding = self.decoding
        self.has_begun = decoding > 0
        for number, waiting in self._waiting.items():
            if waiting.done():
                continue
            if number == decoding:
                detail = "decoding it takes too long, or too much memory"
                waiting.set_exception(RejectedPictureError("not_an_image", detail))
            else:
                waiting.set_exception(_LostError())
        await self._process.wait()

    def _heard(self, answer: dict[str, object]) -> None:
        waiting = self._waiting.pop(int(str(answer["id"])))
        if waiting.done():
            return
        if "failed" in answer:
            waiting.set_exception(StoreError(str(answer["failed"])))
        elif "outcome" in answer:
            error = RejectedPictureError(str(answer["outcome"]), str(answer["detail"]))
            waiting.set_exception(error)
        else:
            del answer["id"]
            waiting.set_result(Stored(**answer))  # type: ignore[arg-type]
