"""CPU time and memory of a process with its children, sampled while it runs."""

import contextlib
import os
import threading
from pathlib import Path

_EVERY_S = 0.5
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """Samples a tree of processes twice a second, from its making until `end`.

    Attributes:
        own_mib: largest resident memory of the process itself.
        tree_mib: largest sum over the tree; shared pages count in each process.
    """

    def __init__(self, pid: int):
        """`pid` is the root of the tree."""
        self.own_mib = self.tree_mib = 0.0
        self._cpu: dict[int, float] = {}
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def cpu_s(self) -> float:
        """Seconds of CPU of the whole tree."""
        return sum(self._cpu.values())

    def end(self) -> None:
        """Samples no more."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_S):
            sizes = {pid: size for pid in _tree(self._pid) if (size := self._sample(pid))}
            self.own_mib = max(self.own_mib, sizes.get(self._pid, 0.0))
            self.tree_mib = max(self.tree_mib, sum(sizes.values()))

    def _sample(self, pid: int) -> float:
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            self._cpu[pid] = (int(fields[11]) + int(fields[12])) / _TICKS
            return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / (1 << 20)
        return 0.0


def _tree(pid: int) -> list[int]:
    found, left = [], [pid]
    while left:
        current = left.pop()
        found.append(current)
        for tasks in Path(f"/proc/{current}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                left += map(int, tasks.read_text().split())
    return found
