"""How a request gets from a port to a worker: admitted, paid for, and dropped when nobody waits."""

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from serving.server.arrivals import Arrivals
from serving.server.budget import BYTES_PER_BYTE, Budget, Hold
from serving.server.calls import Caller
from serving.server.departures import Departures
from serving.server.limits import Limits
from serving.server.workers import Workers
from serving.status import unavailable

Result = TypeVar("Result")


class Intake:
    """What both ports share. Arrivals belong to an event loop, so each port has its own.

    Args:
        workers: who does the work.
        budget: for what requests in hand take.
        limits: of each request.
    """

    def __init__(self, workers: Workers, budget: Budget, limits: Limits):
        self.workers = workers
        self.budget = budget
        self.limits = limits
        self.departures = Departures(limits.request_memory_bytes)
        self._closing = threading.Event()
        self._ports: list[Arrivals] = []

    def close(self) -> None:
        """From now on requests are refused as UNAVAILABLE, which clients may repeat elsewhere."""
        self._closing.set()
        for port in self._ports:
            port.close()

    def arrivals(self) -> Arrivals:
        """Of one port."""
        self._ports.append(Arrivals(self.limits.max_arriving, self.limits.arrival_seconds))
        return self._ports[-1]

    def check_open(self) -> None:
        """Refuses new requests once the server stops.

        Raises:
            ServingError: UNAVAILABLE.
        """
        if self._closing.is_set():
            raise unavailable("The server is shutting down")

    async def work(
        self,
        size: int,
        answer: Callable[[Caller], Result],
        failed: Callable[[Mapping[int, str]], None],
        arrived: Hold | None = None,
    ) -> Result:
        """The answer, from a worker.

        Args:
            size: bytes of the request.
            answer: makes it, for the caller that it is given.
            failed: takes the rows that could not be answered.
            arrived: what the request has taken of the budget so far.

        Raises:
            ServingError: no room, or whatever `answer` raises.
        """
        with arrived or self.budget.hold() as account:
            account.add(max(0, BYTES_PER_BYTE * size - account.total))
            held = account.passed_on()
        waits = True

        def alive() -> bool:
            return waits

        caller = Caller(alive, take=held.add, lane=self.workers.large, failed=failed)
        try:
            return await self.workers.run(lambda: answer(caller), alive, held)
        finally:
            # Whether it is done or its caller has gone, which cancels this: nobody waits.
            waits = False


def listed_rows(failed: Mapping[int, str]) -> str:
    """The rows that failed, for a header: printable ASCII, at most about 1,000 characters."""
    shown = [f"{row}: {reason}"[:80] for row, reason in sorted(failed.items())[:12]]
    more = [f"and {len(failed) - 12} more"] if len(failed) > 12 else []
    text = "; ".join(shown + more)
    return "".join(each if " " <= each <= "~" else "?" for each in text)
