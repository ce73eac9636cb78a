"""One model's versions: their states, and the order in which they are loaded and unloaded."""

import contextlib
import enum
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from serving.server.config import ServerOptions
from serving.server.servable import Servable
from serving.server.storage import content_state
from serving.status import ServingError, from_exception

logger = logging.getLogger("shelfsort.serving")


class State(enum.IntEnum):
    """The states of a version, with the numbers of `ModelVersionStatus.State`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(eq=False)
class Version:
    """A version that the server has seen. Read and changed only under its model's lock."""

    number: int
    path: str
    state: State = State.START
    error: ServingError | None = None
    servable: Servable | None = None
    users: int = 0
    # Set when the version ended and was not wanted: if it is wanted again, it is a new arrival.
    away: bool = False
    # What it was made of when its load was last tried, and when to see whether that has changed.
    files: list[tuple[str, int, int]] | None = None
    look_again: float = math.inf


@dataclass(frozen=True)
class VersionStatus:
    """What GetModelStatus says of a version; `error` is None unless its load failed."""

    version: int
    state: State
    error: ServingError | None


class ModelVersions:
    """The versions of one model.

    `aspire` says which versions ought to be served; the rest follows. A wanted version is loaded
    by `load`, and only when one that is wanted is available are the unwanted ones unloaded, each
    after the last call that uses it. A version whose load fails ends with its error, and is not
    tried again until its files have changed or it has been away and come back: it may have been
    copied for longer than its load was tried.

    Args:
        name: the model's.
        load: makes a servable of (version, path), warmed up, or raises; called in threads.
        options: how often to retry a load, and how far apart.
        stop: set when the server stops; ends the waits between retries.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[int, str], Servable],
        options: ServerOptions,
        stop: threading.Event,
    ):
        self.name = name
        self._load = load
        self._options = options
        self._stop = stop
        self._changed = threading.Condition()
        self._versions: dict[int, Version] = {}
        self._aspired: dict[int, str] = {}

    def aspire(self, wanted: Mapping[int, str]) -> None:
        """Makes these versions, given with their paths, the ones to serve."""
        changed = self._changed_since_they_failed(wanted)
        with self._changed:
            self._aspired = dict(wanted)
            for version in self._versions.values():
                version.away |= version.state is State.END and version.number not in wanted
            for number in sorted(wanted, reverse=True):
                known = self._versions.get(number)
                if known is None or known.away or known in changed:
                    self._start(number)
            self._retire()

    def _changed_since_they_failed(self, wanted: Mapping[int, str]) -> list[Version]:
        """Those of the wanted versions that did not load and are made of other files now.

        Each is looked at as seldom as its load was tried: a store may be far away.
        """
        now = time.monotonic()
        with self._changed:
            due = [v for v in self._versions.values() if v.number in wanted and v.look_again < now]
            for version in due:
                version.look_again = now + self._options.load_retry_seconds
        return [v for v in due if content_state(v.path) != v.files]

    @contextlib.contextmanager
    def use(self, number: int | None) -> Iterator[tuple[int, Servable] | None]:
        """The servable of a version, or of the highest available one, kept loaded meanwhile.

        Yields:
            (version, servable), or None when there is no such version to be had.
        """
        with self._changed:
            version = self._available(number)
            if version is not None:
                version.users += 1
        if version is None:
            yield None
            return
        try:
            yield version.number, version.servable
        finally:
            with self._changed:
                version.users -= 1
                if not version.users and version.state is State.UNLOADING:
                    self._changed.notify_all()

    def status(self) -> list[VersionStatus]:
        """All versions ever seen, newest first."""
        with self._changed:
            return [
                VersionStatus(v.number, v.state, v.error)
                for v in sorted(self._versions.values(), key=lambda v: -v.number)
            ]

    def is_available(self, number: int) -> bool:
        """Whether that version answers requests now."""
        with self._changed:
            return self._available(number) is not None

    def wait_settled(self, seconds: float) -> bool:
        """Waits until something is wanted and none of it is on its way any more.

        Args:
            seconds: to wait at most.

        Returns:
            Whether that is so.
        """
        with self._changed:
            return self._changed.wait_for(
                lambda: bool(self._aspired) and not self._on_their_way(), seconds
            )

    def failures(self) -> list[VersionStatus]:
        """The wanted versions that ended with an error, when no wanted version is available."""
        with self._changed:
            wanted = [v for v in self._versions.values() if v.number in self._aspired]
            if any(v.state is State.AVAILABLE for v in wanted):
                return []
            return [VersionStatus(v.number, v.state, v.error) for v in wanted if v.error]

    def close(self, seconds: float | None = None) -> None:
        """Unloads everything, waiting for the calls in hand.

        Args:
            seconds: to wait at most; what is unloaded later is so in threads. None waits on.
        """
        self.aspire({})
        with self._changed:
            self._changed.wait_for(
                lambda: all(
                    v.state not in (State.AVAILABLE, State.UNLOADING)
                    for v in self._versions.values()
                ),
                seconds,
            )

    def _available(self, number: int | None) -> Version | None:
        if number is not None:
            version = self._versions.get(number)
            return version if version and version.state is State.AVAILABLE else None
        available = [v for v in self._versions.values() if v.state is State.AVAILABLE]
        return max(available, key=lambda v: v.number, default=None)

    def _on_their_way(self) -> bool:
        return any(
            v.number in self._aspired and v.state in (State.START, State.LOADING)
            for v in self._versions.values()
        )

    def _start(self, number: int) -> None:
        version = self._versions[number] = Version(number, self._aspired[number])
        self._in_background(self._bring_up, version)

    def _in_background(self, work: Callable[[Version], None], version: Version) -> None:
        # Not daemons: a thread that Python kills inside TensorFlow, at exit, aborts the process.
        name = f"{work.__name__}-{self.name}-{version.number}"
        threading.Thread(target=work, args=(version,), name=name).start()

    def _bring_up(self, version: Version) -> None:
        with self._changed:
            version.state = State.LOADING
            self._changed.notify_all()
        servable, error = self._load_with_retries(version)
        with self._changed:
            version.servable, version.error = servable, error
            version.state = State.AVAILABLE if servable else State.END
            if not servable:
                version.look_again = time.monotonic() + self._options.load_retry_seconds
            self._retire()
            self._changed.notify_all()

    def _load_with_retries(self, version: Version) -> tuple[Servable | None, ServingError | None]:
        failure = None
        for attempt in range(self._options.load_retries + 1):
            if attempt and self._stop.wait(self._options.load_retry_seconds):
                break
            if attempt and version.number not in self._aspired:
                break
            started = time.monotonic()
            version.files = content_state(version.path)
            try:
                servable = self._load(version.number, version.path)
            # A broken version raises nearly anything, and it must not take the others down.
            except Exception as error:
                failure = from_exception(error)
                logger.error("%s version %d does not load: %s", self.name, version.number, failure)
            else:
                seconds = time.monotonic() - started
                logger.info("%s version %d loaded in %.1f s", self.name, version.number, seconds)
                return servable, None
        return None, failure

    def _retire(self) -> None:
        """Begins to unload what is no longer wanted, unless nothing else could answer.

        The lock is held.
        """
        wanted_answers = any(
            v.state is State.AVAILABLE and v.number in self._aspired
            for v in self._versions.values()
        )
        if self._aspired and not wanted_answers:
            return
        for version in self._versions.values():
            if version.state is State.AVAILABLE and version.number not in self._aspired:
                version.state = State.UNLOADING
                self._in_background(self._unload, version)

    def _unload(self, version: Version) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not version.users)
            servable, version.servable = version.servable, None
        servable.close()
        logger.info("%s version %d unloaded", self.name, version.number)
        with self._changed:
            version.state = State.END
            version.away = version.number not in self._aspired
            if not version.away:
                self._start(version.number)
            self._changed.notify_all()
