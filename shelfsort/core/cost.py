"""What a piece of work took: time by the clock, and processor time."""

import resource
import time
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of processors: of this process and of its children that ended."""

    seconds: float
    cpu_seconds: float

    def to_dict(self) -> dict[str, float]:
        """Both, to a hundredth of a second."""
        return {name: round(value, 2) for name, value in asdict(self).items()}


class Clock:
    """Runs from when it is made, or from the last `lap`."""

    def __init__(self) -> None:
        self._started = _now()

    def lap(self) -> Cost:
        """The cost since the last lap; the next one begins."""
        before, self._started = self._started, _now()
        return Cost(
            self._started.seconds - before.seconds, self._started.cpu_seconds - before.cpu_seconds
        )


def _now() -> Cost:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Cost(time.monotonic(), sum(usage.ru_utime + usage.ru_stime for usage in usages))
