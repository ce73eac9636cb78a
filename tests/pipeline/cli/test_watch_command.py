import dataclasses
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

import pipeline.local.watch
from pipeline.cli import watch as command
from pipeline.local.watch import Turn
from shelfsort.core.errors import InputError, NotBlessed, RunFailed
from shelfsort.products.manifest.files import NoFiles

FIGURES = {"n": 10, "accuracy": 0.9, "coverage_at_95": 0.5}
PUSHED = Turn("pushed", "d", ("1.manifest",), 2, 2, "1", (), FIGURES, 1.0)
REFUSED = Turn("not blessed", "e", ("2.manifest",), 2, 2, "", ("drift: too much.",), FIGURES, 1.0)
NOTHING = Turn("nothing new", "e")


class EnoughError(Exception):
    """Ends a watch that would go on."""


@pytest.fixture
def watch(tmp_path, monkeypatch):
    """Calls the command; each look has the given outcome, after the last it is interrupted."""

    def call(*outcomes, options=(), states=()):
        waiting = list(outcomes)
        states = list(states or range(len(waiting)))

        def take_turn(*_):
            outcome = waiting.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        def sleep(_):
            if not waiting:
                raise EnoughError

        monkeypatch.setattr(pipeline.local.watch, "take_turn", take_turn)
        monkeypatch.setattr(pipeline.local.watch, "state_of", lambda *_: states.pop(0))
        monkeypatch.setattr(command.time, "sleep", sleep)
        arguments = ["--inbox", str(tmp_path), "--taxonomy", "t", "--output", str(tmp_path / "o")]
        return CliRunner().invoke(command.watch, [*arguments, *options])

    return call


def test_every_run_is_one_line_and_nothing_new_is_none(watch):
    result = watch(PUSHED, NOTHING, REFUSED)
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    assert "pushed as version 1" in lines[0] and "drift: too much." in lines[1]


def test_an_unchanged_inbox_is_not_read_again_but_after_a_failure(watch):
    result = watch(RunFailed("disk full"), PUSHED, REFUSED, states=[(1,), (1,), (1,), (1,), (2,)])
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["pushed", "not"]


def test_bad_input_is_said_once_and_does_not_end_the_watch(watch):
    bad = InputError("2.manifest:1: bad. Mend it.")
    result = watch(bad, bad, PUSHED, bad)
    assert isinstance(result.exception, EnoughError)
    assert result.stderr.count("2.manifest:1: bad") == 2
    assert "pushed" in result.stdout


def test_a_full_disk_is_said_once_whatever_the_logs_are_called(watch):
    logs = [f"No space left (out/logs/2026-11-26T10-00-0{n}.log has the details)" for n in range(3)]
    result = watch(*map(RunFailed, logs), PUSHED)
    assert result.stderr.count("No space left") == 1
    assert "pushed" in result.stdout


def test_nothing_unforeseen_ends_the_watch(watch):
    result = watch(RuntimeError("store\nbroken"), ZeroDivisionError("x"), PUSHED)
    assert isinstance(result.exception, EnoughError)
    assert [line.split(maxsplit=1)[1] for line in result.stderr.splitlines()] == [
        r"RuntimeError: store\nbroken",
        "ZeroDivisionError: x",
    ]
    assert "pushed" in result.stdout


def test_a_file_name_forges_no_line(watch):
    spans = ("1\n2026-01-01 pushed as version 9\x1b[2J.manifest",)
    result = watch(dataclasses.replace(PUSHED, new_spans=spans))
    (line,) = result.stdout.splitlines()
    assert r"1\n2026-01-01 pushed as version 9\x1b[2J.manifest" in line


def test_a_failed_run_does_not_end_the_watch(watch):
    result = watch(RunFailed("disk full"), PUSHED)
    assert "disk full" in result.stderr and "pushed" in result.stdout


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (PUSHED, None),
        (NOTHING, None),
        (NoFiles("empty"), None),
        (REFUSED, NotBlessed),
        (InputError("bad"), InputError),
        (RunFailed("disk full"), RunFailed),
    ],
)
def test_once_ends_as_a_run_would(watch, outcome, expected):
    result = watch(outcome, options=["--once"])
    assert isinstance(result.exception, expected) if expected else result.exit_code == 0


def test_json_has_everything(watch):
    said = json.loads(watch(REFUSED, options=["--once", "--json"]).stdout)
    assert said["outcome"] == "not blessed" and said["reasons"] == ["drift: too much."]
    assert said.keys() >= {"time", "digest", "new_spans", "new_products", "figures", "seconds"}


def test_bad_input_exits_with_two_and_one_line(tmp_path):
    inbox = str(tmp_path / "nowhere" / "*.manifest")
    options = ["--inbox", inbox, "--taxonomy", "t.json", "--output", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "shelfsort.cli.main", "watch", "--once", *options],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and inbox in done.stderr
