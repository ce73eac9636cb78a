"""What every call has, whichever door it came in by: a caller, a duration and an outcome."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

from grpc import StatusCode

from serving.server.metrics import ServerMetrics
from serving.status import ServingError, from_exception

logger = logging.getLogger("shelfsort.serving")

_MICROSECONDS = 1e6


@dataclass(frozen=True)
class Caller:
    """Who wants an answer, and on whose account.

    Attributes:
        alive: tells whether they still want it.
        ran: takes the seconds that the model took.
        take: takes bytes of memory that the answer will need, or raises ServingError.
        lane: for large requests, given `alive`.
        failed: takes the rows that could not be answered, with the reasons.
    """

    alive: Callable[[], bool] = lambda: True
    ran: Callable[[float], None] = lambda seconds: None
    take: Callable[[int], None] = lambda count: None
    lane: Callable[[Callable[[], bool]], AbstractContextManager[None]] = lambda alive: nullcontext()
    failed: Callable[[Mapping[int, str]], None] = lambda rows: None


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
        """Records the call that is made inside; an exception becomes a ServingError.

        What nobody foresaw is logged, and its text stays here: it may say more than a stranger
        should know.
        """
        started = time.perf_counter()
        status = "OK"
        try:
            yield
        except Exception as exception:
            error = from_exception(exception)
            if error.code is StatusCode.INTERNAL and not _is_own(exception):
                logger.exception("%s of %s failed", api, model)
                error = ServingError(StatusCode.INTERNAL, "Internal error")
            status = error.code.name
            raise error from exception
        finally:
            name = model if self._knows(model) else ""
            self._metrics.requests.add(name, status)
            spent = (time.perf_counter() - started) * _MICROSECONDS
            self._metrics.request_latency.observe(spent, name, api, self._entrypoint)

    def caller(self, api: str, model: str, caller: Caller = ANYBODY) -> Caller:
        """The caller of such a call, whose time with the model is recorded."""

        def ran(seconds: float) -> None:
            self._metrics.runtime_latency.observe(seconds * _MICROSECONDS, model, api, "TF1")

        return replace(caller, ran=ran)

    def count_examples(self, model: str, count: int) -> None:
        """Records how many tf.Examples a call brought."""
        self._metrics.examples.observe(count, model)
        self._metrics.examples_total.add(model, by=count)


def _is_own(exception: Exception) -> bool:
    """Whether the exception was raised on purpose, or by the runtime with a status."""
    return isinstance(exception, ServingError) or hasattr(exception, "error_code")
