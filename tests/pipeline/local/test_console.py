"""What the screen shows, and where everything else goes."""

import io
import logging
import re
import subprocess
import sys
import textwrap
from types import SimpleNamespace

from pipeline.local.console import Console
from shelfsort.core.progress import LOGGER_NAME


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _record(text: str, **extra) -> logging.LogRecord:
    record = logging.LogRecord(LOGGER_NAME, logging.INFO, "", 0, text, None, None)
    record.__dict__.update(extra)
    return record


def test_a_finished_component_is_one_line_with_its_time():
    console = Console(stream := io.StringIO())
    console.started("Trainer", 7, 11)
    console.finished("Trainer", 12.34, cached=False)
    console.started("Evaluator", 8, 11)
    console.finished("Evaluator", 0.01, cached=True)
    lines = stream.getvalue().splitlines()
    assert lines[0].split() == ["[", "7/11]", "Trainer", "12.3", "s"]
    assert lines[1].split() == ["[", "8/11]", "Evaluator", "reused"]


def test_a_terminal_shows_counts_rate_and_time_left_within_its_width(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    console = Console(stream := _Terminal())
    clock = [0.0]
    console.started("Trainer", 7, 11)
    monkeypatch.setattr(console._line._progress, "get_time", lambda: clock[0])
    for second in range(5):
        clock[0] = float(second)
        done = 10 * second
        console.emit(_record(f"{done} of 90 fits", done=done, total=90, unit="fits"))
    console._line._progress.refresh()
    console.emit(_record("pool fitted", note=True))
    console.finished("Trainer", 12.34, cached=False)
    console.close()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    lines = [line.strip() for line in re.split(r"[\r\n]+", shown)]
    (counted,) = {line for line in lines if line.endswith("10.0/s") and " 40 " in line}
    assert re.findall(r"\d[\d.:]*", counted)[-4:] == ["0:05", "40", "90", "10.0"]
    assert max(map(len, lines)) <= 80
    assert "pool fitted" in lines and lines[-1 - (lines[-1] == "")].endswith("12.3 s")


def test_a_file_gets_progress_only_now_and_then(monkeypatch):
    console = Console(stream := io.StringIO())
    clock = [0.0]
    # The module's clock alone: loops of servers in other threads read the process's.
    monkeypatch.setattr("pipeline.local.console.time", SimpleNamespace(monotonic=lambda: clock[0]))
    console.started("Trainer", 7, 11)
    for second in range(40):
        clock[0] = float(second)
        console.emit(_record(f"{second} of 40 fits"))
    assert [line.split()[-4] for line in stream.getvalue().splitlines()] == ["15", "30"]


def test_what_anybody_prints_meanwhile_goes_to_the_log(tmp_path):
    script = textwrap.dedent(
        """
        import logging, os, sys
        from pathlib import Path
        from pipeline.local.console import quiet_console
        from shelfsort.core.progress import note
        print("before")
        with quiet_console(Path(sys.argv[1])) as console:
            print("python noise")
            os.write(2, b"native noise\\n")
            logging.getLogger("tensorflow").warning("logged noise")
            note("a fact")
            console.say("a line")
        print("after")
        print("an error", file=sys.stderr)
        """
    )
    log = tmp_path / "logs" / "run.log"
    shown = subprocess.run([sys.executable, "-c", script, str(log)], capture_output=True, text=True)
    assert shown.stdout.splitlines() == ["before", "        a fact", "a line", "after"]
    assert shown.stderr == "an error\n"
    logged = log.read_text()
    for noise in ("python noise", "native noise", "logged noise", "a fact"):
        assert noise in logged
