"""Waiting for the signals that end a server."""

import os
import signal
from collections.abc import Sequence

ENDING = (signal.SIGTERM, signal.SIGINT)


class EndingSignals:
    """Notices SIGTERM and Ctrl-C from its making on. Made and used in the main thread.

    Python runs its handlers in the main thread only. If the system gives a signal to another thread
    while the main thread waits for a lock, no handler ever runs. The byte that Python writes to a
    pipe as a signal arrives wakes whoever reads it.

    Args:
        numbers: signals to notice.
    """

    def __init__(self, numbers: Sequence[int] = ENDING):
        self._reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, _nothing)

    def wait(self) -> None:
        """Returns when one of the signals has arrived, or had already."""
        os.read(self._reading, 1)


def _nothing(*_: object) -> None:
    """Python writes to the pipe for signals with a handler only."""
