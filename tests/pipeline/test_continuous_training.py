"""Two days of `shelfsort watch`: killed, refused for careless labels, recovered and pushed."""

import json
import shutil
import time
from pathlib import Path

import pytest

from demo.catalogue import Catalogue
from pipeline.experiments.runs import list_runs
from pipeline.output_folder import OutputFolder
from tests.fixtures.warm_python import WarmCommand
from tests.pipeline.conftest import SETTINGS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

CARELESS_SHARE = 0.45


class Inbox:
    """A copy of a catalogue whose lines arrive day by day; each file appears whole."""

    def __init__(self, folder: Path, catalogue: Catalogue):
        shutil.copytree(catalogue.directory, folder)
        self.folder, self.taxonomy = folder, folder / catalogue.taxonomy.name
        manifest = folder / catalogue.manifest.name
        self.lines = manifest.read_bytes().splitlines(keepends=True)
        manifest.unlink()

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


class Watch(WarmCommand):
    """A watch in a process of its own."""

    def __init__(self, inbox: Inbox, output: Path):
        options = ["--inbox", str(inbox.folder), "--taxonomy", str(inbox.taxonomy)]
        options += ["--output", str(output), "--every", "1", "--json"]
        for setting in SETTINGS:
            options += ["--set", setting]
        self._logs = output / "logs"
        super().__init__(["watch", *options], output.parent)

    def next_run(self) -> dict:
        return json.loads(self.next_line())

    def wait_for(self, words: str) -> None:
        """Until a log has the words."""
        while not any(words in log.read_text(errors="replace") for log in self._logs.glob("*.log")):
            self.assert_alive()
            time.sleep(0.5)


def test_the_gate_refuses_careless_labels_and_the_model_recovers(finished_run, tmp_path):
    inbox, output = Inbox(tmp_path / "inbox", finished_run.catalogue), tmp_path / "out"
    folder = OutputFolder.open(str(output))
    serving = folder.serving / "shelfsort"
    shutil.copytree(finished_run.pushed, serving / "1")
    shutil.copytree(finished_run.embeddings, folder.embedding_cache)
    careless = inbox.labelled_carelessly(inbox.lines)
    inbox.put("1.manifest", inbox.lines)
    inbox.put("2.manifest", careless)
    killed = Watch(inbox, output)
    killed.wait_for("StatisticsGen")
    killed.kill()

    watch = Watch(inbox, output)
    try:
        first = watch.next_run()
        assert first["outcome"] == "not blessed" and first["reasons"]
        assert first["new_spans"] == ["1.manifest", "2.manifest"]
        # A few of the catalogue's lines are broken, whatever their label.
        assert 0.9 * len(inbox.lines) <= first["new_products"] <= len(inbox.lines)
        assert [path.name for path in serving.iterdir()] == ["1"]

        inbox.put("3.manifest", inbox.lines)
        second = watch.next_run()
        assert (second["outcome"], second["version"]) == ("pushed", "2")
        assert second["new_spans"] == ["3.manifest"]
        lineage = json.loads((serving / "2" / "assets.extra" / "shelfsort.json").read_text())
        assert lineage["manifest_digest"] == second["digest"]
    finally:
        watch.kill()
    outcomes = [run.outcome for run in list_runs(OutputFolder.existing(str(output)))]
    assert outcomes == ["pushed", "not blessed", "unfinished"]
