"""What a piece of work took: time by the clock, processor time, and peak memory (Linux)."""

import contextlib
import resource
import time
from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of processors: of this process and of its children that ended."""

    seconds: float
    cpu_seconds: float

    def rounded(self) -> "Cost":
        """Both to a hundredth of a second."""
        return Cost(round(self.seconds, 2), round(self.cpu_seconds, 2))


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


class PeakMemory:
    """Greatest resident memory since it was made, with that of the largest child that ended since.

    Where the kernel does not let the peak be reset, it counts from the start of the process.
    """

    def __init__(self) -> None:
        self._children = _largest_child_kb()
        with contextlib.suppress(OSError):
            _CLEAR.write_text(_RESET_PEAK)

    def mb(self) -> int:
        """The peak in MB (2^20 bytes)."""
        child = _largest_child_kb()
        return round((_own_peak_kb() + (child if child > self._children else 0)) / 1024)


def _now() -> Cost:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Cost(time.monotonic(), sum(usage.ru_utime + usage.ru_stime for usage in usages))


def _own_peak_kb() -> int:
    try:
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _largest_child_kb() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
