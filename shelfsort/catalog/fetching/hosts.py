"""Hands out the links of many hosts: each host in turn, none beyond its pace."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from shelfsort.catalog.fetching.links import DueLinks, Link
from shelfsort.catalog.fetching.outcomes import DEAD_HOST, THROTTLED
from shelfsort.catalog.fetching.pace import Pace, Rules

_LINKS_AT_ONCE = 32
_FEW_LINKS = 8
_HOSTS_READ = 50
_LEAST_HOSTS = 256
_UNTRUSTED = 4


@dataclass(eq=False)
class Host:
    """A host of the run.

    Attributes:
        name: as links name it.
        pace: of its requests.
        links: read and not handed out.
        after: number of the last link that was read.
        whole: whether all its links are read.
        probing: whether the next links are to be a sample of all that are left.
        sampled: numbers of the links of samples, which are handed out before their turn.
        running: number of links handed out.
        not_before: time of the loop before which it gets no request.
        given_up: class of its remaining links; "" while it is not given up.
        due_after: until the next try of these; None for the schedule.
    """

    name: str
    pace: Pace
    links: deque[Link] = field(default_factory=deque)
    after: int = 0
    whole: bool = False
    probing: bool = False
    sampled: set[int] = field(default_factory=set)
    running: int = 0
    not_before: float = 0.0
    given_up: str = ""
    due_after: timedelta | None = None
    offered: bool = False


@dataclass(frozen=True)
class Taken:
    """A link that was handed out, of a host that was trusted, or left alone, then or not."""

    host: Host
    link: Link
    trusted: bool
    probe: bool


class Hosts:
    """The hosts of a run.

    Hosts that have not answered yet, or whose last request failed, share a quarter of the
    connections as long as others have work: dead hosts cost little time.
    """

    def __init__(
        self,
        links: DueLinks,
        rules: Rules,
        connections: int,
        given_up: Callable[[Host], None],
        at_most: int | None = None,
    ):
        """Made in the event loop that it is used in.

        Args:
            links: of the run.
            rules: of the pace.
            connections: links that are handed out at a time.
            given_up: hears of each host that is given up, when nothing of it runs any more.
            at_most: links to hand out; None for all.
        """
        self._links, self._rules, self._given_up = links, rules, given_up
        self._untrusted_most = max(1, connections // _UNTRUSTED)
        self._hosts_most = max(_LEAST_HOSTS, 4 * connections)
        self._left, self._allowance = links.hosts(), at_most
        self.total = sum(number for _, number in self._left)
        if at_most is not None:
            self.total = min(self.total, at_most)
        self._open: set[Host] = set()
        self._paused: set[Host] = set()
        self._hungry: set[Host] = set()
        self._trusted: deque[Host] = deque()
        self._others: deque[Host] = deque()
        self._untrusted_running = 0
        self._stopped = False
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._fed = asyncio.Event()
        self._fed.set()
        self._loop = asyncio.get_running_loop()

    async def feed(self) -> None:
        """Reads hosts and links as they are needed, until the end of the run."""
        while not self._stopped:
            await self._fed.wait()
            self._fed.clear()
            while self._left and len(self._open) - len(self._paused) < self._hosts_most:
                host = Host(self._left.popleft()[0], Pace(self._rules))
                self._open.add(host)
                self._hungry.add(host)
            while self._hungry:
                asked = [self._hungry.pop() for _ in range(min(_HOSTS_READ, len(self._hungry)))]
                if in_turn := [host for host in asked if not host.probing]:
                    await self._read(in_turn)
                for host in asked:
                    if host.probing and host not in self._paused:
                        await self._read_sample(host)
            if not self._left and not self._open:
                return

    async def _read(self, asked: Sequence[Host]) -> None:
        places = [(host.name, host.after) for host in asked]
        found = await asyncio.to_thread(self._links.read, places, _LINKS_AT_ONCE)
        for host, links in zip(asked, found, strict=True):
            self._filled(host, links)

    async def _read_sample(self, host: Host) -> None:
        links = await asyncio.to_thread(
            self._links.sample, host.name, host.after, self._rules.sample
        )
        if host.given_up or host in self._paused:
            return
        host.probing = False
        new = [each for each in links if each.id not in host.sampled]
        host.sampled.update(each.id for each in new)
        host.links.extend(new)
        if not new:
            self._ask_for(host)
        self._offer(host)

    def _filled(self, host: Host, links: list[Link]) -> None:
        if host.given_up or host in self._paused:
            return
        host.whole = len(links) < _LINKS_AT_ONCE
        host.after = links[-1].id if links else host.after
        new = [each for each in links if each.id not in host.sampled]
        host.links.extend(new)
        if not new and not host.whole:
            self._ask_for(host)
        self._offer(host)
        self._end_if_done(host)

    async def take(self) -> Taken | None:
        """The next link; None when the run has ended. Waits while no host may get a request."""
        while not self._stopped and self._allowance != 0:
            host = self._next()
            if host is not None:
                return self._handed_out(host)
            if not self._left and not self._open:
                break
            waiter = self._loop.create_future()
            self._waiting.append(waiter)
            await waiter
        # Nothing more is read, either, where the limit of links is reached.
        self.stop()
        return None

    def _next(self) -> Host | None:
        others_first = self._untrusted_running < self._untrusted_most
        rings = (self._trusted, self._others)
        for ring in reversed(rings) if others_first else rings:
            while ring:
                host = ring.popleft()
                host.offered = False
                if self._may(host):
                    return host
        return None

    def _handed_out(self, host: Host) -> Taken:
        link, trusted, probe = host.links.popleft(), host.pace.trusted, host.pace.left_alone
        host.running += 1
        self._untrusted_running += not trusted
        if self._allowance is not None and not link.tries:
            self._allowance -= 1
        if host.pace.delay_s:
            self._hold(host, host.pace.delay_s)
        if len(host.links) < _FEW_LINKS and not host.whole:
            self._ask_for(host)
        self._offer(host)
        return Taken(host, link, trusted, probe)

    def answered(self, taken: Taken, latency_s: float) -> None:
        """The host answered, whatever the status; `latency_s` is the time to the head."""
        taken.host.pace.answered(latency_s)
        self._back(taken)

    def passed(self, taken: Taken) -> None:
        """The link says nothing about its host, as where robots.txt forbids it."""
        self._back(taken)

    def failed(self, taken: Taken) -> None:
        """The host did not answer, or too slowly."""
        host, pause = taken.host, taken.host.pace.failed(probe=taken.probe)
        if pause is None:
            host.given_up = host.given_up or DEAD_HOST
            host.links.clear()
        elif pause:
            self._leave_alone(host, pause)
        self._back(taken)

    def pressed(self, taken: Taken, retry_after_s: float | None, *, again: bool) -> None:
        """The host has too much to do; `again` hands the link out once more later."""
        host, pause = taken.host, taken.host.pace.pressed(retry_after_s)
        if again:
            host.links.appendleft(taken.link)
        if pause is None:
            host.given_up = host.given_up or THROTTLED
            host.due_after = timedelta(seconds=retry_after_s) if retry_after_s else None
            host.links.clear()
        else:
            self._hold(host, pause)
        self._back(taken)

    def stop(self) -> None:
        """Hands out nothing more."""
        self._stopped = True
        self._fed.set()
        self._wake_all()

    def _back(self, taken: Taken) -> None:
        host = taken.host
        host.running -= 1
        self._untrusted_running -= not taken.trusted
        self._offer(host)
        self._end_if_done(host)
        # A place among the untrusted may be free now for another host.
        self._wake()

    def _leave_alone(self, host: Host, seconds: float) -> None:
        kept = [link for link in host.links if link.tries or link.id in host.sampled]
        in_turn = {link.id for link in host.links} - {link.id for link in kept}
        if in_turn:
            host.after, host.whole = min(in_turn) - 1, False
        host.links, host.probing = deque(kept), True
        self._paused.add(host)
        self._hold(host, seconds)
        self._fed.set()

    def _hold(self, host: Host, seconds: float) -> None:
        host.not_before = max(host.not_before, self._loop.time() + seconds)
        self._loop.call_at(host.not_before, self._resume, host)

    def _resume(self, host: Host) -> None:
        if host in self._paused:
            self._paused.discard(host)
            if not host.whole:
                self._ask_for(host)
        self._offer(host)
        self._end_if_done(host)

    def _ask_for(self, host: Host) -> None:
        self._hungry.add(host)
        self._fed.set()

    def _may(self, host: Host) -> bool:
        return (
            bool(host.links)
            and not host.given_up
            and host.running < host.pace.at_once
            # The timer may fire a little before its time.
            and self._loop.time() >= host.not_before - 0.001
        )

    def _offer(self, host: Host) -> None:
        if not host.offered and self._may(host):
            host.offered = True
            (self._trusted if host.pace.trusted else self._others).append(host)
            self._wake()

    def _end_if_done(self, host: Host) -> None:
        if host.running or host.links or host not in self._open:
            return
        if host.given_up:
            self._given_up(host)
        elif not host.whole or host in self._paused or host in self._hungry:
            return
        self._open.discard(host)
        self._paused.discard(host)
        self._fed.set()
        if not self._left and not self._open:
            self._wake_all()

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _wake_all(self) -> None:
        while self._waiting:
            self._wake()
