"""What a run shows on the screen; everything else that is printed meanwhile goes to a log file."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console as Screen
from rich.progress import Progress, ProgressColumn, Task
from rich.table import Column
from rich.text import Text

from shelfsort.cli.tables import terminal_width
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.progress import LOGGER_NAME
from shelfsort.core.terminal import one_line, printable

_PLAIN_INTERVAL_S = 15.0


class Console(logging.Handler):
    """Shows components, their progress and notes; a `runner.Listener`.

    On a terminal the running component has a line with its time, counts, rate and time left.
    Elsewhere a line of progress is printed every 15 seconds.

    Args:
        stream: where to write.
    """

    def __init__(self, stream: TextIO):
        super().__init__()
        self.width = terminal_width(stream)
        self._stream = stream
        self._line = _RunningLine(stream) if stream.isatty() else None
        self._heading = ""
        self._started = self._last_plain = time.monotonic()

    def say(self, text: str = "") -> None:
        """Prints a line, or several; what data put into them stays text."""
        text = printable(text)
        if self._line:
            self._line.print_above(text)
        else:
            print(text, file=self._stream, flush=True)

    def started(self, component: str, number: int, of: int) -> None:
        self._heading = f"[{number:>2}/{of}] {component}" if of else component
        self._started = self._last_plain = time.monotonic()
        if self._line:
            self._line.start(self._heading)

    def finished(self, component: str, seconds: float, cached: bool) -> None:
        outcome = "reused" if cached else f"{seconds:.1f} s"
        if self._line:
            self._line.stop()
        self.say(f"{self._heading:<28} {outcome:>9}")
        self._heading = ""

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "note", False):
            self.say(f"        {one_line(record.getMessage())}")
        elif self._line:
            self._line.update(record)
        elif time.monotonic() - self._last_plain >= _PLAIN_INTERVAL_S:
            self._last_plain = time.monotonic()
            elapsed = self._last_plain - self._started
            self.say(f"{self._heading:<28} {elapsed:>7.0f} s  {one_line(record.getMessage())}")

    def close(self) -> None:
        if self._line:
            self._line.stop()
        super().close()


class _RunningLine:
    """The line of the running component, redrawn on a terminal until it stops."""

    def __init__(self, stream: TextIO):
        screen = Screen(file=stream, markup=False, highlight=False, emoji=False)
        self._progress = Progress(
            _Line(),
            console=screen,
            transient=True,
            refresh_per_second=4,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._heading, self._unit, self._since = "", "", 0.0

    def start(self, heading: str) -> None:
        self.stop()
        self._heading, self._since = heading, time.monotonic()
        self._count("", None)
        self._progress.start()

    def stop(self) -> None:
        self._progress.stop()
        self._clear()

    def print_above(self, text: str) -> None:
        self._progress.console.print(text, soft_wrap=True)

    def update(self, record: logging.LogRecord) -> None:
        """Shows a record of `shelfsort.core.progress` and counts it."""
        unit, total = getattr(record, "unit", ""), getattr(record, "total", None)
        if unit != self._unit or not self._progress.tasks:
            self._count(unit, total)
        (task,) = self._progress.tasks
        done = getattr(record, "done", 0)
        self._progress.update(
            task.id, completed=done, total=total, said=one_line(record.getMessage())
        )

    def _count(self, unit: str, total: int | None) -> None:
        self._clear()
        self._unit = unit
        self._progress.add_task(self._heading, total=total, since=self._since, said="")

    def _clear(self) -> None:
        for task in self._progress.tasks:
            self._progress.remove_task(task.id)


class _Line(ProgressColumn):
    """Heading, seconds, time left, counts and rate, cut at the width of the terminal."""

    def get_table_column(self) -> Column:
        return Column(no_wrap=True, overflow="ellipsis")

    def render(self, task: Task) -> Text:
        elapsed = time.monotonic() - task.fields["since"]
        parts = [f"{task.description:<26}{elapsed:>6.0f} s"]
        if task.time_remaining and not task.finished:
            minutes, seconds = divmod(int(task.time_remaining), 60)
            parts.append(f"{minutes}:{seconds:02} left")
        parts.append(task.fields["said"])
        if task.speed and not task.finished:
            parts.append(f"{task.speed:,.1f}/s")
        return Text("  ".join(filter(None, parts)), no_wrap=True, overflow="ellipsis")


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
    # Beam warns of every type that it cannot infer: nearly all lines of a log would be that.
    logging.getLogger("apache_beam.typehints").setLevel(logging.ERROR)
    level = root.level
    root.setLevel(logging.INFO)
    try:
        yield console
    finally:
        root.setLevel(level)
        root.removeHandler(to_file)
        progress.removeHandler(console)
        console.close()
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
        RunFailed: instead of any error but InputError and itself; names the log.
    """
    try:
        yield
    except (InputError, RunFailed):
        raise
    except Exception as error:
        logging.getLogger(__name__).exception("The run failed")
        first = (str(error).strip().splitlines() or [""])[0]
        said = f"{type(error).__name__}: {first}"[:300]
        raise RunFailed(f"{said} ({log} has the details)") from error
