"""What a run shows on the screen; everything else that is printed meanwhile goes to a log file."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from shelfsort.cli.tables import terminal_width
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.progress import LOGGER_NAME

_PLAIN_INTERVAL_S = 15.0


class Console(logging.Handler):
    """Draws components, progress and notes; a `local_runner.Listener`.

    On a terminal the current line is redrawn; elsewhere a line is printed now and then.

    Args:
        stream: where to draw.
    """

    def __init__(self, stream: TextIO):
        super().__init__()
        self._stream = stream
        self._redraws = stream.isatty()
        self.width = terminal_width(stream)
        self._heading = ""
        self._started = self._last_plain = time.monotonic()

    def say(self, text: str = "") -> None:
        """Prints a line."""
        self._clear()
        print(text, file=self._stream, flush=True)

    def started(self, component: str, number: int, of: int) -> None:
        self._heading = f"[{number:>2}/{of}] {component}" if of else component
        self._started = self._last_plain = time.monotonic()
        self._draw("")

    def finished(self, component: str, seconds: float, cached: bool) -> None:
        outcome = "reused" if cached else f"{seconds:.1f} s"
        self.say(f"{self._heading:<28} {outcome:>9}")
        self._heading = ""

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "note", False):
            self.say(f"        {record.getMessage()}")
        else:
            self._draw(record.getMessage())

    def _draw(self, progress: str) -> None:
        elapsed = time.monotonic() - self._started
        if self._redraws:
            self._clear()
            self._stream.write(f"{self._heading:<28} {elapsed:>7.0f} s  {progress}"[:118])
            self._stream.flush()
        elif progress and time.monotonic() - self._last_plain >= _PLAIN_INTERVAL_S:
            self._last_plain = time.monotonic()
            self.say(f"{self._heading:<28} {elapsed:>7.0f} s  {progress}")

    def _clear(self) -> None:
        if self._redraws:
            self._stream.write("\r\x1b[K")


@contextlib.contextmanager
def quiet_console(log: Path, *, shown: bool = True) -> Iterator[Console]:
    """Sends this process's output and logs to the file `log`, and yields a console.

    TensorFlow and Beam write to the file descriptors themselves, so those are what is turned.

    Args:
        log: gets all output, appended.
        shown: whether the console draws on the screen; if not, it writes into the log too.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    screen = os.fdopen(os.dup(1), "w", buffering=1)
    saved_error = os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    console = Console(screen if shown else sys.stderr)
    progress = logging.getLogger(LOGGER_NAME)
    progress.addHandler(console)
    root = logging.getLogger()
    to_file = logging.StreamHandler(sys.stderr)
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(to_file)
    level = root.level
    root.setLevel(logging.INFO)
    try:
        yield console
    finally:
        root.setLevel(level)
        root.removeHandler(to_file)
        progress.removeHandler(console)
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(screen.fileno(), 1)
        os.dup2(saved_error, 2)
        os.close(saved_error)
        screen.close()


@contextlib.contextmanager
def no_progress() -> Iterator[None]:
    """Keeps progress to itself, where nobody watches."""
    logger = logging.getLogger(LOGGER_NAME)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextlib.contextmanager
def failures_in_a_line(log: Path) -> Iterator[None]:
    """Writes an error that is not the caller's into the log and makes one line of it.

    Raises:
        RunFailed: instead of any error but InputError; names the log.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        logging.getLogger(__name__).exception("The run failed")
        first = (str(error).strip().splitlines() or [""])[0]
        said = f"{type(error).__name__}: {first}"[:300]
        raise RunFailed(f"{said} ({log} has the details)") from error
