"""Asks object stores within a time limit, and does not go on asking one that has never answered."""

import threading
from collections.abc import Callable
from typing import TypeVar

from shelfsort.core.errors import InputError
from shelfsort.core.storage import scheme
from shelfsort.products.manifest.rejects import RejectedLine

FIRST_ANSWER_S = 30.0
ANSWER_S = 120.0

_Answer = TypeVar("_Answer")


class Stores:
    """The object stores that a manifest's images lie in; may be shared by threads.

    A store that cannot be reached costs one bounded try: until it has answered once, the first
    failure stands for all images that lie there. A missing image and a forbidden one are answers.
    """

    def __init__(self, first_answer_s: float = FIRST_ANSWER_S, answer_s: float = ANSWER_S):
        """Seconds that a store may take for its first answer, and for each later one."""
        self._first_answer_s, self._answer_s = first_answer_s, answer_s
        self._answered: set[str] = set()
        self._unreachable: dict[str, str] = {}
        self._trying: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def ask(self, place: str, work: Callable[[str], _Answer]) -> _Answer:
        """What `work` returns for an address.

        Raises:
            RejectedLine: `unreachable_store`.
            FileNotFoundError, PermissionError: the store says so.
            OSError, ValueError: the store, which had answered before, failed over this address.
        """
        store = _store_of(place)
        if store in self._answered:
            return _within(self._answer_s, work, place)
        with self._lock:
            first = self._trying.setdefault(store, threading.Lock())
        with first:
            if store not in self._answered:
                return self._first(store, place, work)
        return _within(self._answer_s, work, place)

    def _first(self, store: str, place: str, work: Callable[[str], _Answer]) -> _Answer:
        if store not in self._unreachable:
            try:
                answer = _within(self._first_answer_s, work, place)
            except (FileNotFoundError, PermissionError):
                self._answered.add(store)
                raise
            except (InputError, OSError, ValueError) as error:
                self._unreachable[store] = f"{store}: {_reason(error, place)}"
            else:
                self._answered.add(store)
                return answer
        raise RejectedLine("unreachable_store", self._unreachable[store])


def _store_of(place: str) -> str:
    """The scheme and the bucket or host of an address."""
    return f"{scheme(place)}://{place.partition('://')[2].partition('/')[0]}"


def _reason(error: Exception, place: str) -> str:
    return str(error).removeprefix(f"{place}: ") or type(error).__name__


def _within(seconds: float, work: Callable[[str], _Answer], place: str) -> _Answer:
    """What `work` returns, or TimeoutError.

    The thread of work that takes longer goes on until the store's library gives up; as a daemon it
    holds up nothing.
    """
    outcome: list[tuple[bool, object]] = []

    def run() -> None:
        try:
            outcome.append((True, work(place)))
        # Raised again where it is waited for.
        except BaseException as error:
            outcome.append((False, error))

    thread = threading.Thread(target=run, name="object-store", daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TimeoutError(f"no answer within {seconds:.0f} s")
    succeeded, value = outcome[0]
    if not succeeded:
        raise value  # type: ignore[misc]
    return value  # type: ignore[return-value]
