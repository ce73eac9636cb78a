"""Peak memory of this process over a stretch of work (Linux)."""

import contextlib
import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


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


def _own_peak_kb() -> int:
    try:
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _largest_child_kb() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
