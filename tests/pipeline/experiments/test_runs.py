"""Finding runs and telling them apart."""

import dataclasses
import json
import subprocess
import sys
import typing
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from components.evaluator.artifact import Metrics
from components.pusher.artifact import Push
from pipeline.cli.runs import runs as command
from pipeline.config import Config
from pipeline.experiments import runs as experiments
from pipeline.experiments.runs import Run, differences, find_run, list_runs
from pipeline.output_folder import OutputFolder
from pipeline.run_settings import read_settings, write_settings
from shelfsort.core.errors import InputError
from shelfsort.core.progress import note, progress


def _run(name: str, **settings) -> Run:
    return Run(name, datetime.now(timezone.utc), "pushed", "1", {}, settings)


def test_a_run_is_found_by_the_beginning_of_its_id_or_as_the_latest():
    runs = [_run("2026-02-02T10"), _run("2026-02-01T10"), _run("2026-01-01T10")]
    assert find_run(runs, "2026-01").id == "2026-01-01T10"
    assert find_run(runs, "latest") is runs[0]


@pytest.mark.parametrize(("name", "said"), [("2026-02", "2 runs"), ("1999", "no run")])
def test_an_unclear_name_is_refused_with_the_names_there_are(name, said):
    with pytest.raises(InputError, match=said):
        find_run([_run("2026-02-02T10"), _run("2026-02-01T10")], name)


def test_differences_name_what_one_run_has_and_the_other_has_not():
    a, b = _run("a", epochs=3, folds=2), _run("b", epochs=5, folds=2, seed=1)
    assert differences(a, b) == [("epochs", 3, 5), ("seed", None, 1)]
    assert differences(a, a) == []


def _store_run(folder: OutputFolder, component: str, properties: dict, name: str) -> None:
    """Puts a run into the folder's metadata store that was killed while `component` ran."""
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(folder.metadata)
    config.sqlite.connection_mode = (
        metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    )
    store = MetadataStore(config)
    run_type = store.put_context_type(metadata_store_pb2.ContextType(name="pipeline_run"))
    component_type = store.put_execution_type(metadata_store_pb2.ExecutionType(name=component))
    execution = metadata_store_pb2.Execution(
        type_id=component_type, last_known_state=metadata_store_pb2.Execution.RUNNING
    )
    for key, value in properties.items():
        execution.custom_properties[key].string_value = value
    context = metadata_store_pb2.Context(type_id=run_type, name=name)
    store.put_execution(execution, [], [context])


def test_settings_of_ingestion_read_the_same_from_one_property_and_from_one_each(tmp_path):
    folder = OutputFolder.open(str(tmp_path / "out"))
    ingestion = "components.manifest_example_gen.component.ManifestExampleGen"
    data = {
        "label_attribute": "shelf",
        "min_confidence": 0.7,
        "image_roots": [],
        "splits": {"a": 1},
    }
    _store_run(folder, ingestion, {"data": json.dumps(data)}, name="new")
    loose = {
        name: value if name == "label_attribute" else json.dumps(value)
        for name, value in data.items()
    }
    _store_run(folder, ingestion, loose, name="old")
    one, other = list_runs(folder)
    assert one.settings == {
        "data.label_attribute": "shelf",
        "data.min_confidence": 0.7,
        "data.image_roots": [],
        "data.splits.a": 1,
    }
    assert differences(one, other) == []


def test_a_killed_run_is_listed_as_unfinished_with_its_settings(tmp_path):
    folder = OutputFolder.open(str(tmp_path / "out"))
    training = '{"training": {"epochs": 3}, "code_digest": "c0de"}'
    trainer = "components.trainer.component.Trainer"
    _store_run(folder, trainer, {"custom_config": training}, name="2026-03-03T08-00-00-ab12")
    (run,) = list_runs(folder)
    assert (run.id, run.outcome, run.metrics) == (
        "2026-03-03T08-00-00-ab12",
        "unfinished",
        Metrics(),
    )
    assert run.settings == {"training.fit.epochs": 3, "code.Trainer": "c0de"}
    shown = CliRunner().invoke(command, ["--output", str(folder.path)])
    assert "unfinished" in shown.output


def _put_artifact(folder: OutputFolder, uri: str, key: str) -> None:
    """Records an output of the only execution in the folder's metadata store."""
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(folder.metadata)
    store = MetadataStore(config)
    kind = store.put_artifact_type(metadata_store_pb2.ArtifactType(name=key))
    (artifact,) = store.put_artifacts([metadata_store_pb2.Artifact(type_id=kind, uri=uri)])
    (execution,) = store.get_executions()
    event = metadata_store_pb2.Event(
        artifact_id=artifact, execution_id=execution.id, type=metadata_store_pb2.Event.OUTPUT
    )
    event.path.steps.add().key = key
    store.put_events([event])


def test_the_runs_of_a_folder_that_was_moved_read_as_before(tmp_path):
    folder = OutputFolder.open(str(tmp_path / "out"))
    _store_run(folder, "components.pusher.component.Pusher", {}, name="a")
    pushed = folder.artifacts / "Pusher" / "pushed_model" / "7"
    _put_artifact(folder, str(pushed), "pushed_model")
    Push(pushed=True, version=3).write(str(pushed))
    moved = OutputFolder.existing(str(folder.path.rename(tmp_path / "elsewhere")))
    (run,) = list_runs(moved)
    assert (run.outcome, run.version) == ("pushed", "3")


def _keys(section: type, prefix: str = "") -> Iterator[str]:
    for name, kind in typing.get_type_hints(section).items():
        if dataclasses.is_dataclass(kind):
            yield from _keys(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _changed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _changed(inner) for key, inner in value.items()} or {"more": 1}
    return "changed"


def test_every_key_of_the_configuration_is_compared(tmp_path):
    folder = OutputFolder.open(str(tmp_path / "out"))
    for name in "ab":
        write_settings(folder, name, Config())
        _store_run(folder, "components.pusher.component.Pusher", {}, name=name)
    b, a = sorted(list_runs(folder), key=lambda run: run.id, reverse=True)
    assert differences(a, b) == []

    file = folder.settings / "b.json"
    file.write_text(json.dumps(_changed(json.loads(file.read_text()))))
    b, a = sorted(list_runs(folder), key=lambda run: run.id, reverse=True)
    compared = [name for name, _, _ in differences(a, b)]
    for key in _keys(Config):
        assert any(name == key or name.startswith(f"{key}.") for name in compared), key


def test_renamed_settings_of_a_past_run_have_their_new_names(tmp_path):
    folder = OutputFolder.open(str(tmp_path / "out"))
    earlier = {"validation": {"confidence": 0.9}, "training": {"epochs": 3}}
    folder.settings.mkdir()
    (folder.settings / "a.json").write_text(json.dumps({"version": 1, "settings": earlier}))
    assert read_settings(folder, "a") == {"drift.confidence": 0.9, "training.fit.epochs": 3}
    _store_run(
        folder,
        "components.drift_check.component.DriftCheck",
        {"validation": '{"confidence": 0.9}'},
        name="b",
    )
    (before,) = list_runs(folder)
    assert before.settings == {"drift.confidence": 0.9}


def test_a_folder_without_runs_says_how_to_start_one(tmp_path):
    folder = OutputFolder.open(str(tmp_path / "out"))
    with pytest.raises(InputError, match="shelfsort run"):
        list_runs(folder)


@pytest.mark.slow
def test_listing_and_comparing_need_neither_tensorflow_nor_tfx():
    code = (
        "import sys, pipeline.cli.runs, pipeline.experiments.runs, pipeline.experiments.text\n"
        "print([name for name in ('tensorflow', 'tfx', 'keras') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_only_one_thing_is_done_with_runs_at_a_time(tmp_path):
    with pytest.raises(InputError, match="--sqlite and --wandb do not go together"):
        _runs("--output", tmp_path, "--wandb", "x", "--sqlite", "y")
    with pytest.raises(InputError, match="--mlflow: is empty"):
        _runs("--output", tmp_path, "--mlflow", "")


@pytest.fixture
def listed(monkeypatch):
    """Makes the command find these runs, the newest first."""

    def found(*artifacts: dict) -> None:
        each = [
            dataclasses.replace(_run(f"{number}"), artifacts=given)
            for number, given in enumerate(artifacts)
        ]
        monkeypatch.setattr(experiments, "list_runs", lambda _: each)

    return found


def test_the_latest_trials_are_those_of_the_last_run_that_searched(listed, tmp_path):
    OutputFolder.open(str(tmp_path / "out"))
    listed({}, {"tuner_results": tmp_path / "second"}, {"tuner_results": tmp_path / "third"})
    with pytest.raises(InputError, match=r"second/search\.json: is not there"):
        _runs("--output", tmp_path / "out", "--trials", "latest")
    with pytest.raises(InputError, match="run 0: has searched no settings"):
        _runs("--output", tmp_path / "out", "--trials", "0")


def test_what_a_database_lacks_is_said_without_progress(listed, tmp_path, monkeypatch):
    def write(runs, path) -> None:
        progress(1, 1, "images")
        note("0: its answers are left out")

    OutputFolder.open(str(tmp_path / "out"))
    listed({})
    monkeypatch.setattr("pipeline.experiments.database.write_database", write)
    said = _runs("--output", tmp_path / "out", "--sqlite", tmp_path / "runs.sqlite")
    assert said.stderr == "0: its answers are left out\n"


def _runs(*arguments: object) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False)
