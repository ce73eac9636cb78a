import dataclasses
import errno
import json
import os
import sqlite3
from datetime import datetime, timezone
from pathlib import Path

import pytest

from components.manifest_example_gen import preflight
from components.manifest_example_gen.artifact import Ingestion
from pipeline.config import Config
from pipeline.experiments.runs import Run
from pipeline.local import watch
from pipeline.local.run import RunResult
from pipeline.output_folder import FolderBusy, OutputFolder
from shelfsort.core.errors import InputError, RunFailed

TREE = [
    {"id": "main", "name": "Main", "subcategories": ["hats", "mugs"]},
    {"id": "hats", "name": "Hats", "subcategories": [], "parent": "main"},
    {"id": "mugs", "name": "Mugs", "subcategories": [], "parent": "main"},
]


class World:
    """An inbox, an output folder, and a pipeline whose verdicts are given.

    Attributes:
        verdicts: of the runs to come: `pushed`, `not blessed`, or an exception.
        runs: those there were, the latest first, as the metadata store would have them.
    """

    def __init__(self, folder, monkeypatch):
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.tree = folder / "taxonomy.json"
        self.tree.write_text(json.dumps(TREE))
        self.output = OutputFolder.open(str(folder / "out"))
        with sqlite3.connect(self.output.metadata) as store:
            store.execute("CREATE TABLE Context (id)")
        self.verdicts, self.runs = [], []
        monkeypatch.setattr(watch, "run", self._run)
        monkeypatch.setattr(watch, "list_runs", lambda _: list(self.runs))

    def label(self, name, **labels):
        lines = [
            {
                "id": id_,
                "title": f"thing {id_}",
                "shelf": {"workers": [{"worker_id": "w", "label": label}]},
                "shelf-metadata": {"type": "groundtruth/custom"},
            }
            for id_, label in labels.items()
        ]
        (self.inbox / name).write_text("".join(json.dumps(line) + "\n" for line in lines))

    def turn(self):
        return watch.take_turn(str(self.inbox), str(self.tree), self.output, Config())

    def killed(self):
        """A run on what is in the inbox that came to no end."""
        digest = preflight.check(str(self.inbox), str(self.tree), Config().data).digest
        now = datetime.now(timezone.utc)
        return Run("id", now, "unfinished", "", {}, {}, content_digest=digest)

    def _run(self, manifest, taxonomy, folder, config, console, checked):
        verdict = self.verdicts.pop(0)
        outcome = verdict if isinstance(verdict, str) else "failed"
        now = datetime.now(timezone.utc)
        of = {"content_digest": checked.digest, "spans": tuple(checked.files)}
        self.runs.insert(0, Run("id", now, outcome, "", {}, {}, **of))
        if not isinstance(verdict, str):
            raise verdict
        figures = {"n": 10, "accuracy": 0.9, "coverage_at_95": 0.5}
        return RunResult(
            pushed=verdict == "pushed",
            version=str(len(self.runs)) if verdict == "pushed" else "",
            reasons=[] if verdict == "pushed" else ["drift: too much."],
            metrics={"combined": {"eval": figures}},
            ingested=Ingestion(2, 2, files=dict.fromkeys(checked.files, 2), categories={"hats": 1}),
            seconds=1.0,
        )


@pytest.fixture
def world(tmp_path, monkeypatch):
    made = World(tmp_path, monkeypatch)
    made.label("1.manifest", a="hats", b="mugs")
    return made


def test_the_same_content_is_run_on_once_whatever_the_verdict(world):
    world.verdicts = ["not blessed"]
    assert world.turn().outcome == "not blessed"
    assert world.turn().outcome == "nothing new"


def test_a_refused_run_does_not_stop_the_next(world):
    world.verdicts = ["pushed", "not blessed", "pushed"]
    outcomes = []
    for day in "123":
        world.label(f"{day}.manifest", a="hats", b="mugs", **{day: "hats"})
        turn = world.turn()
        outcomes.append((turn.outcome, turn.new_spans, turn.new_products))
    assert outcomes == [
        ("pushed", ("1.manifest",), 2),
        ("not blessed", ("2.manifest",), 2),
        ("pushed", ("3.manifest",), 2),
    ]


def test_a_half_written_manifest_is_not_new(world):
    world.verdicts = ["pushed"]
    world.turn()
    world.label("_2.manifest", c="hats")
    assert world.turn().outcome == "nothing new"


def test_the_state_changes_with_what_is_put_in_and_not_with_what_is_half_written(world):
    state = watch.state_of(str(world.inbox), str(world.tree), "")
    world.label("_2.manifest", c="hats")
    assert watch.state_of(str(world.inbox), str(world.tree), "") == state
    (world.inbox / "_2.manifest").rename(world.inbox / "2.manifest")
    second = watch.state_of(str(world.inbox), str(world.tree), "")
    assert second != state
    world.tree.write_text(world.tree.read_text() + " ")
    assert watch.state_of(str(world.inbox), str(world.tree), "") != second


def test_a_changed_tree_is_new(world):
    world.verdicts = ["pushed", "pushed"]
    world.turn()
    world.tree.write_text(world.tree.read_text().replace("Mugs", "Cups"))
    turn = world.turn()
    assert (turn.outcome, turn.new_spans) == ("pushed", ())
    assert "changed files" in str(turn)


def test_content_that_every_run_fails_on_is_left_alone(world):
    world.verdicts = [OSError("disk full")] * watch.MAX_FAILURES
    for _ in range(watch.MAX_FAILURES):
        with pytest.raises(RunFailed, match="disk full"):
            world.turn()
    with pytest.raises(RunFailed, match="3 runs on the same content have failed"):
        world.turn()
    world.label("2.manifest", c="hats")
    world.verdicts = ["pushed"]
    assert world.turn().new_spans == ("1.manifest", "2.manifest")


def test_kills_are_no_failures(world):
    world.verdicts = ["pushed"]
    killed = dataclasses.replace(world.killed(), id="earlier")
    world.runs = [killed] * (watch.MAX_KILLS - 1)
    assert world.turn().outcome == "pushed"


def test_content_that_every_run_is_killed_on_is_left_alone_in_the_end(world):
    world.runs = [world.killed()] * watch.MAX_KILLS
    with pytest.raises(RunFailed, match="10 runs on the same content were killed"):
        world.turn()


def test_logs_that_are_a_file_are_a_failure_in_one_line(world):
    world.output.logs.touch()
    with pytest.raises(RunFailed, match="logs: File exists"):
        world.turn()


def test_an_output_that_is_read_only_is_a_refusal_in_one_line(world, monkeypatch):
    def read_only(path, mode="r", *rest, **options):
        if mode != "r" and path.is_relative_to(world.output.path):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return opened(path, mode, *rest, **options)

    opened = Path.open
    monkeypatch.setattr(Path, "open", read_only)
    with pytest.raises(InputError, match=r"cannot be written .*Read-only") as caught:
        world.turn()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_broken_record_of_runs_is_a_refusal_in_one_line(world, content):
    world.output.metadata.write_bytes(content)
    with pytest.raises(InputError, match=r"metadata\.sqlite: the record of earlier runs") as caught:
        world.turn()
    assert "\n" not in str(caught.value)


def test_a_vanished_manifest_is_refused_with_the_remedy(world):
    world.label("2.manifest", c="hats")
    world.verdicts = ["pushed"]
    world.turn()
    (world.inbox / "2.manifest").unlink()
    with pytest.raises(InputError, match=r"2.manifest: "):
        world.turn()
    assert len(world.runs) == 1


def test_a_run_under_way_is_left_alone(world):
    with world.output.locked(), pytest.raises(FolderBusy):
        world.turn()


def test_the_line_says_what_was_new_and_why_not(world):
    world.verdicts = ["pushed", "not blessed"]
    pushed = str(world.turn())
    assert pushed == (
        "pushed as version 1; new: 1.manifest (2 products); accuracy 0.900 on 10, coverage at 95 % "
        "50.0%; 1 s"
    )
    world.label("2.manifest", c="hats")
    assert str(world.turn()).startswith("not blessed; new: 2.manifest (2 products)")
    assert str(world.turn()) == "nothing new"
