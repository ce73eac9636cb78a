"""What every call has, whichever door it came in by: a caller, a duration and an outcome."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from grpc import StatusCode

from serving.server.metrics import ServerMetrics
from serving.status import from_exception

logger = logging.getLogger("shelfsort.serving")

_MICROSECONDS = 1e6


@dataclass(frozen=True)
class Caller:
    """Who wants an answer.

    Args:
        alive: tells whether they still want it.
        ran: takes the seconds that the model took.
    """

    alive: Callable[[], bool] = lambda: True
    ran: Callable[[float], None] = lambda seconds: None


ANYBODY = Caller()


class Calls:
    """Counts and times the calls that come in by one door.

    Args:
        metrics: where to.
        entrypoint: `GRPC` or `REST`.
        knows: tells whether a model of that name was ever configured. Calls for others count
            under no name: strangers choose the names, and each would stay for good.
    """

    def __init__(self, metrics: ServerMetrics, entrypoint: str, knows: Callable[[str], bool]):
        self._metrics = metrics
        self._entrypoint = entrypoint
        self._knows = knows

    @contextmanager
    def measured(self, api: str, model: str) -> Iterator[None]:
        """Records the call that is made inside; an exception becomes a ServingError."""
        started = time.perf_counter()
        status = "OK"
        try:
            yield
        except Exception as exception:
            error = from_exception(exception)
            status = error.code.name
            if error.code is StatusCode.INTERNAL and error is not exception:
                logger.exception("%s of %s failed", api, model)
            raise error from exception
        finally:
            name = model if self._knows(model) else ""
            self._metrics.requests.add(name, status)
            spent = (time.perf_counter() - started) * _MICROSECONDS
            self._metrics.request_latency.observe(spent, name, api, self._entrypoint)

    def caller(self, api: str, model: str, alive: Callable[[], bool] = lambda: True) -> Caller:
        """The caller of such a call."""

        def ran(seconds: float) -> None:
            self._metrics.runtime_latency.observe(seconds * _MICROSECONDS, model, api, "TF1")

        return Caller(alive, ran)

    def count_examples(self, model: str, count: int) -> None:
        """Records how many tf.Examples a call brought."""
        self._metrics.examples.observe(count, model)
        self._metrics.examples_total.add(model, by=count)
