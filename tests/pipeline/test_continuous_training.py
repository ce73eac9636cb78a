"""Three days of `shelfsort watch`: killed, pushed, refused for careless labels, recovered."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.catalogue import make_catalogue
from pipeline.experiments.runs import list_runs
from pipeline.output_folder import OutputFolder
from tests.pipeline.conftest import SETTINGS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

PRODUCTS, FIRST_DAY = 420, 330
# So few eval products are accepted on the first day that no floor of their accuracy can be shown.
FLOORS = ("gate.accepted_accuracy.95=0", "gate.accepted_accuracy.98=0")
CARELESS_SHARE = 0.45


class Inbox:
    """A catalogue whose lines arrive day by day; each file appears whole."""

    def __init__(self, folder: Path):
        catalogue = make_catalogue(folder, PRODUCTS, seed=11)
        self.folder, self.taxonomy = folder, catalogue.taxonomy
        self.lines = catalogue.manifest.read_bytes().splitlines(keepends=True)
        catalogue.manifest.unlink()

    def put(self, name: str, lines: list[bytes]) -> None:
        (self.folder / f"_{name}").write_bytes(b"".join(lines))
        (self.folder / f"_{name}").rename(self.folder / name)

    def labelled_carelessly(self, lines: list[bytes]) -> list[bytes]:
        """A share of the lines that have labels, each with the label of another one."""
        sound = [json.loads(line) for line in lines if _is_sound(line)]
        chosen = sound[: round(CARELESS_SHARE * len(sound))]
        paths = sorted({line["gold"] for line in sound})
        for line in chosen:
            wrong = paths[(paths.index(line["gold"]) + 1) % len(paths)]
            for answer in line["product-category"]["workers"]:
                answer["label"] = wrong
        return [json.dumps(line).encode() + b"\n" for line in chosen]


def _is_sound(line: bytes) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return "gold" in record and "product-category" in record


class Watch:
    """A watch in a process of its own."""

    def __init__(self, inbox: Inbox, output: Path):
        options = ["--inbox", str(inbox.folder), "--taxonomy", str(inbox.taxonomy)]
        options += ["--output", str(output), "--every", "1", "--json"]
        kept = [each for each in SETTINGS if not each.startswith("gate.accepted_accuracy")]
        for setting in (*kept, *FLOORS):
            options += ["--set", setting]
        self.errors = (output.parent / "errors.log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "shelfsort.cli.main", "watch", *options],
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def next_run(self) -> dict:
        line = self.process.stdout.readline()
        assert line, Path(self.errors.name).read_text()
        return json.loads(line)

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def _wait_for(logs: Path, words: str) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        if any(words in log.read_text(errors="replace") for log in logs.glob("*.log")):
            return
        time.sleep(0.5)
    raise AssertionError(f"no log in {logs} ever said {words!r}")


def test_the_gate_refuses_careless_labels_and_the_model_recovers(tmp_path):
    inbox, output = Inbox(tmp_path / "inbox"), tmp_path / "out"
    serving = output / "serving" / "shelfsort"
    inbox.put("1.manifest", inbox.lines[:FIRST_DAY])
    killed = Watch(inbox, output)
    _wait_for(output / "logs", "StatisticsGen")
    killed.kill()

    watch = Watch(inbox, output)
    try:
        first = watch.next_run()
        assert (first["outcome"], first["version"]) == ("pushed", "1")
        assert first["new_spans"] == ["1.manifest"]

        careless = inbox.labelled_carelessly(inbox.lines[:FIRST_DAY])
        inbox.put("2.manifest", careless)
        second = watch.next_run()
        assert second["outcome"] == "not blessed" and second["reasons"]
        # A few of the catalogue's lines are broken, whatever their label.
        assert 0.9 * len(careless) <= second["new_products"] <= len(careless)
        assert [path.name for path in serving.iterdir()] == ["1"]

        inbox.put("3.manifest", inbox.lines)
        third = watch.next_run()
        assert (third["outcome"], third["version"]) == ("pushed", "2")
        lineage = json.loads((serving / "2" / "assets.extra" / "shelfsort.json").read_text())
        assert lineage["manifest_digest"] == third["digest"]
    finally:
        watch.kill()
    outcomes = [run.outcome for run in list_runs(OutputFolder.existing(str(output)))]
    assert outcomes == ["pushed", "not blessed", "pushed", "unfinished"]
