"""Fetches the pictures that are due: many at a time, politely, and safe against a kill."""

import asyncio
import contextlib
import importlib.metadata
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from sqlalchemy.engine import Engine

from shelfsort.catalog.fetching.decoding import Decoders, RejectedPictureError, StoreError
from shelfsort.catalog.fetching.hosts import Host, Hosts, Taken
from shelfsort.catalog.fetching.links import DueLinks
from shelfsort.catalog.fetching.outcomes import GOOD, OUTCOMES, REACHABLE, UNCHANGED, Stored, Try
from shelfsort.catalog.fetching.pace import Rules
from shelfsort.catalog.fetching.records import GivenUp, Recorder
from shelfsort.catalog.fetching.requests import Reply, Requests
from shelfsort.catalog.fetching.stored import StoredPictures
from shelfsort.catalog.settings import FetchSettings
from shelfsort.core import open_files
from shelfsort.core.database.engine import reason_of
from shelfsort.core.errors import RunFailed
from shelfsort.core.http import AddressRule, AsyncDownloader, Limits, is_public_address
from shelfsort.core.signals import ENDING
from shelfsort.products.images.checks import announced_format

_TRIES = 3
_DECODING = 64
_DECODING_BYTES = 64 << 20
_BEHIND = 5_000
_ENDLESS_S = 1.0
_SAID_EVERY_S = 1.0
_LAST_WAIT_S = 0.2


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        total: number of links of the run.
        outcomes: number of links by what they came to, as far as the database has them.
        seconds: since the run began.
        stopped: whether a signal ended it.
    """

    total: int
    outcomes: Counter[str]
    seconds: float
    stopped: bool = False

    @property
    def done(self) -> int:
        """Number of links that are decided."""
        return sum(self.outcomes.values())

    @property
    def rate(self) -> float:
        """Links a second."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest takes at this rate; None while there is none."""
        return max(0, self.total - self.done) / self.rate if self.rate else None


@dataclass(frozen=True)
class Order:
    """What a run is to do.

    Attributes:
        retry: classes of links to fetch instead of those that are due.
        at_most: links to try; None for all.
        check_only: ask whether there seems to be a picture, and keep none.
    """

    retry: Sequence[str] = ()
    at_most: int | None = None
    check_only: bool = False


class _Room:
    """Bounds the pictures that wait to be decoded, by number and by bytes; first come, first in."""

    def __init__(self) -> None:
        self._pictures = self._bytes = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def enter(self, size: int) -> None:
        """Waits until there is room for a picture of so many bytes."""
        if self._waiting or not self._fits(size):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append((size, turn))
            await turn
        else:
            self._take(size)

    def leave(self, size: int) -> None:
        """Makes room again."""
        self._pictures -= 1
        self._bytes -= size
        while self._waiting and self._fits(self._waiting[0][0]):
            size, turn = self._waiting.popleft()
            if not turn.done():
                self._take(size)
                turn.set_result(None)

    def _fits(self, size: int) -> bool:
        within = self._pictures < _DECODING and self._bytes + size <= _DECODING_BYTES
        return within or not self._pictures

    def _take(self, size: int) -> None:
        self._pictures += 1
        self._bytes += size


class FetchRun:
    """One run over the links of a crawl database."""

    def __init__(
        self,
        engine: Engine,
        store: str,
        settings: FetchSettings,
        order: Order,
        said: Callable[[Progress], None],
        *,
        permitted: AddressRule = is_public_address,
        rules: Rules | None = None,
        folders: Sequence[str] = (),
    ):
        """Fetches nothing yet.

        Args:
            engine: of the crawl database, which no other run uses.
            store: place of the pictures.
            settings: of the fetching.
            order: what to do.
            said: hears of the progress each second.
            permitted: which IP addresses may be connected to. No setting changes it.
            rules: of the pace; None for those of the settings.
            folders: absolute paths and addresses that pictures may be in, beside the web.
        """
        self._folders = folders
        self._engine, self._store, self._settings = engine, store, settings
        self._order, self._said, self._permitted = order, said, permitted
        self._rules = rules or Rules(per_host=settings.per_host)
        self._settling: set[asyncio.Task[None]] = set()
        self._failure = ""
        self._stopped = False

    def run(self) -> Progress:
        """Fetches until everything is tried or SIGINT or SIGTERM arrives.

        Returns:
            What the links came to; all of it is in the database.

        Raises:
            RunFailed: pictures or tries cannot be written.
        """
        open_files.raise_limit()
        return asyncio.run(self._run())

    async def _run(self) -> Progress:
        self._began = time.monotonic()
        links = DueLinks(self._engine, datetime.now(timezone.utc), self._order.retry)
        self._recorder = Recorder(self._engine, links.wanted)
        connections = self._settings.connections
        self._hosts = Hosts(links, self._rules, connections, self._give_up, self._order.at_most)
        self._room, self._decoders = _Room(), self._new_decoders()
        downloader = self._downloader()
        given = self._settings
        stored = StoredPictures(self._folders, given.max_bytes, given.total_s, connections)
        self._requests = Requests(
            downloader, stored, robots=given.robots, check_only=self._order.check_only
        )
        if not self._order.check_only:
            await self._decoders.start()
        with self._ending():
            feeding = asyncio.ensure_future(self._hosts.feed())
            telling = asyncio.ensure_future(self._tell())
            self._workers = [asyncio.ensure_future(self._work()) for _ in range(connections)]
            try:
                await self._watched(feeding)
                await self._settled()
            finally:
                telling.cancel()
                feeding.cancel()
                await self._decoders.end()
                await downloader.close()
                await asyncio.to_thread(self._closed)
        if self._failure:
            raise RunFailed(self._failure)
        return self._progress()

    def _new_decoders(self) -> Decoders:
        return Decoders(self._store, self._settings.max_pixels)

    def _downloader(self) -> AsyncDownloader:
        given = self._settings
        version = importlib.metadata.version("shelfsort")
        limits = Limits(
            max_bytes=given.max_bytes,
            wait_s=given.wait_s,
            total_s=given.total_s,
            least_bytes_s=given.least_bytes_s,
            ports=given.ports,
            user=False,
        )
        agent = f"shelfsort/{version} (+{given.contact})"
        return AsyncDownloader(limits, self._permitted, given.connections, agent)

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        """Stops the run on SIGINT and SIGTERM; afterwards they do again what they do by default."""
        loop = asyncio.get_running_loop()
        # Only the main thread may; nobody sends signals to a run elsewhere.
        with contextlib.suppress(ValueError, RuntimeError):
            for number in ENDING:
                loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in ENDING:
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self._stopped = True
        self._hosts.stop()
        for worker in self._workers:
            worker.cancel()

    async def _watched(self, feeding: "asyncio.Task[None]") -> None:
        """Waits for the workers. Raises what ended one, or the feeding."""
        await asyncio.wait([*self._workers, feeding], return_when=asyncio.FIRST_EXCEPTION)
        for task in (feeding, *self._workers):
            if task.done() and not task.cancelled() and task.exception() is not None:
                self._stop()
                await asyncio.wait(self._workers)
                task.result()

    async def _settled(self) -> None:
        if self._settling:
            wait = _LAST_WAIT_S if self._stopped else None
            await asyncio.wait(self._settling, timeout=wait)
        for task in self._settling:
            task.cancel()

    def _closed(self) -> None:
        try:
            self._recorder.close()
        except Exception as error:
            reason = reason_of(error)
            self._failure = self._failure or f"the database cannot be written ({reason})"

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_SAID_EVERY_S)
            if self._recorder.failure is not None:
                self._stop()
            self._said(self._progress())

    def _progress(self) -> Progress:
        return Progress(
            self._hosts.total,
            Counter(self._recorder.saved),
            time.monotonic() - self._began,
            self._stopped,
        )

    async def _work(self) -> None:
        while (taken := await self._hosts.take()) is not None:
            reply = await self._requests.ask(taken.link)
            taken.link.tries += 1
            decided = bool(reply.outcome or reply.unchanged or self._order.check_only)
            # Before the pace, which may give up the host with all links that are not recorded.
            if decided:
                self._record(reply)
            self._pace(taken, reply)
            if not decided:
                await self._settle(reply)
            while self._recorder.behind > _BEHIND:
                await asyncio.sleep(0.05)

    def _pace(self, taken: Taken, reply: Reply) -> None:
        """Tells the host's pace what the request came to."""
        taken.host.pace.delay_s = min(reply.delay_s, self._rules.longest_delay_s)
        endless = reply.outcome == "too_large" and reply.seconds > _ENDLESS_S
        if endless or (reply.outcome and OUTCOMES[reply.outcome].host_failed):
            self._hosts.failed(taken)
        elif reply.pressed:
            again = self._again(reply)
            self._hosts.pressed(taken, reply.retry_after_s, again=again)
        elif reply.requested and reply.latency_s is not None:
            self._hosts.answered(taken, reply.latency_s)
        else:
            self._hosts.passed(taken)

    def _again(self, reply: Reply) -> bool:
        """Whether a link is tried once more in this run, after status 429 or 503."""
        wait_s = reply.retry_after_s or 0.0
        return reply.link.tries < _TRIES and wait_s <= self._rules.longest_pause_s

    async def _settle(self, reply: Reply) -> None:
        """Has a body decoded and kept, while the connection goes on with the next link."""
        await self._room.enter(len(reply.body))
        task = asyncio.ensure_future(self._keep(reply))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _keep(self, reply: Reply) -> None:
        try:
            stored = await self._decoders.settle(reply.body)
        except RejectedPictureError as error:
            reply.outcome, reply.detail = error.outcome, str(error)
            self._record(reply)
        except StoreError as error:
            self._failure = f"{self._store}: pictures cannot be kept ({error})"
            self._stop()
        else:
            self._record(reply, stored)
        finally:
            self._room.leave(len(reply.body))

    def _record(self, reply: Reply, stored: Stored | None = None) -> None:
        link, retry_after_s = reply.link, reply.retry_after_s
        final = not (reply.pressed and self._again(reply))
        seen = reply.outcome or reply.unchanged or announced_format(reply.body)
        if self._order.check_only and not seen:
            reply.outcome, reply.detail = "not_an_image", "it does not begin as a picture"
        done = self._success(reply, stored)
        self._recorder.add(
            Try(
                link=link.id,
                outcome=reply.outcome or done,
                attempts=link.attempts + 1 if reply.outcome else 0,
                at=datetime.now(timezone.utc),
                final=final,
                status=reply.status,
                detail=reply.detail,
                seconds=reply.seconds,
                bytes=len(reply.body),
                final_url=reply.final_url,
                etag=reply.etag,
                last_modified=reply.last_modified,
                stored=stored,
                due_after=timedelta(seconds=retry_after_s) if retry_after_s else None,
            )
        )

    def _success(self, reply: Reply, stored: Stored | None) -> str:
        if self._order.check_only and not reply.unchanged:
            return REACHABLE
        same = stored is not None and stored.digest == reply.link.image
        return UNCHANGED if reply.unchanged or same else GOOD

    def _give_up(self, host: Host) -> None:
        now = datetime.now(timezone.utc)
        self._recorder.add(GivenUp(host.name, host.given_up, now, host.due_after))
