"""One run of the main job for all tests that look at what it leaves behind."""

import dataclasses
import fcntl
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from demo.catalogue import Catalogue, make_catalogue

SETTINGS = (
    "data.splits={train: 84, eval: 16}",
    "training.fit.epochs=12",
    "training.fit.folds=2",
    "gate.accepted_accuracy.95=0.7",
    "gate.accepted_accuracy.98=0.7",
    "gate.on_broken_category=report",
    "gate.on_no_coverage=ignore",
)


@dataclasses.dataclass(frozen=True)
class FinishedRun:
    """A run that was killed while it trained, started again, and pushed its model.

    Attributes:
        catalogue: what it ran on.
        settings: `--set` options.
        output: its folder; later runs may add to it.
        pushed: a copy of the model that it pushed, which nothing changes.
        screen: what the second start showed.
        metrics: its metrics.json.
    """

    catalogue: Catalogue
    settings: tuple[str, ...]
    output: Path
    pushed: Path
    screen: str
    metrics: dict[str, Any]

    def command(self, *more: str) -> list[str]:
        """The same run once more, with further settings."""
        return _command(self.catalogue, self.output, *more)


def _command(catalogue: Catalogue, output: Path, *more: str) -> list[str]:
    command = [sys.executable, "-m", "shelfsort.cli.main", "run", "--output", str(output)]
    command += ["--manifest", str(catalogue.manifest), "--taxonomy", str(catalogue.taxonomy)]
    for setting in (*SETTINGS, *more):
        command += ["--set", setting]
    return command


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory) -> FinishedRun:
    """Takes two minutes; where tests run in several processes, one of them makes it for all."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished-run"
    folder.mkdir(exist_ok=True)
    made, output, pushed = folder / "made", folder / "out", folder / "pushed"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_bytes(pickle.dumps(_make(folder / "c", output, pushed)))
    catalogue, screen, metrics = pickle.loads(made.read_bytes())
    return FinishedRun(catalogue, SETTINGS, output, pushed, screen, metrics)


def _make(folder: Path, output: Path, pushed: Path) -> tuple[Catalogue, str, dict[str, Any]]:
    catalogue = make_catalogue(folder, products=420, seed=11)
    _kill_while_it_trains(_command(catalogue, output))
    assert not (output / "serving" / "shelfsort").exists()
    assert not (output / "metrics.json").exists()
    done = subprocess.run(_command(catalogue, output), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copytree(output / "serving" / "shelfsort" / "1", pushed)
    return catalogue, done.stdout, json.loads((output / "metrics.json").read_text())


def _kill_while_it_trains(command: list[str]) -> None:
    started = time.monotonic()
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in run.stdout:
        if "Transform" in line or time.monotonic() - started > 600:
            break
    time.sleep(2)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()
