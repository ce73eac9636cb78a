"""One run of the main job for all tests that look at what it leaves behind."""

import dataclasses
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from demo.catalogue import Catalogue, make_catalogue
from tests.fixtures.once import made_once
from tests.fixtures.warm_python import SHELFSORT, WARM, WarmCommand

SETTINGS = (
    "data.splits={train: 84, eval: 16}",
    "training.fit.epochs=12",
    "training.fit.folds=2",
    "gate.accepted_accuracy.95=0.5",
    "gate.accepted_accuracy.98=0.5",
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
        embeddings: a copy of its cache of picture embeddings, which nothing changes.
        screen: what the second start showed.
        metrics: its metrics.json.
    """

    catalogue: Catalogue
    settings: tuple[str, ...]
    output: Path
    pushed: Path
    embeddings: Path
    screen: str
    metrics: dict[str, Any]

    def again(self, *more: str) -> "subprocess.CompletedProcess[str]":
        """The same run once more, with further settings."""
        return WARM.shelfsort(*_command(self.catalogue, self.output, *more))


def _command(catalogue: Catalogue, output: Path, *more: str) -> list[str]:
    command = ["run", "--output", str(output)]
    command += ["--manifest", str(catalogue.manifest), "--taxonomy", str(catalogue.taxonomy)]
    for setting in (*SETTINGS, *more):
        command += ["--set", setting]
    return command


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory) -> FinishedRun:
    """Takes two minutes."""
    return made_once(tmp_path_factory, "finished-run", _make)


def _make(folder: Path) -> FinishedRun:
    output, pushed, embeddings = (folder / name for name in ("out", "pushed", "embeddings"))
    catalogue = make_catalogue(folder / "c", products=420, seed=11)
    command = _command(catalogue, output)
    _kill_while_it_trains(WarmCommand(command, folder))
    assert not (output / "serving" / "shelfsort").exists()
    assert not (output / "metrics.json").exists()
    # In a process as a user starts it.
    cold = [sys.executable, "-m", SHELFSORT, *command]
    done = subprocess.run(cold, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copytree(output / "serving" / "shelfsort" / "1", pushed)
    shutil.copytree(output / "cache" / "embeddings", embeddings)
    metrics = json.loads((output / "metrics.json").read_text())
    return FinishedRun(catalogue, SETTINGS, output, pushed, embeddings, done.stdout, metrics)


def _kill_while_it_trains(run: WarmCommand) -> None:
    while "Transform" not in run.next_line():
        pass
    time.sleep(2)
    run.kill()
