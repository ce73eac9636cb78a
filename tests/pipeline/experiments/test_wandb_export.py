"""Runs in the real Weights & Biases, offline."""

import dataclasses
import json
import sys

import pytest
from PIL import Image

from pipeline.experiments import wandb_export
from pipeline.experiments.wandb_export import COMPLETE, log_to_wandb, wandb_id
from shelfsort.core.errors import InputError
from tests.fixtures.serving_cost import COST
from tests.pipeline.experiments.conftest import Product


@pytest.fixture
def run(make_run, tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").write_text("<p>report</p>")
    made = make_run("a", [Product("p1", "Boots", "Boots")], **{"training.fit.epochs": 3})
    artifacts = {**made.artifacts, "report": tmp_path / "report"}
    return dataclasses.replace(made, artifacts=artifacts, cost=COST)


def _records(folder):
    """What Weights & Biases wrote about a run, by kind of record."""
    from wandb.proto import wandb_internal_pb2
    from wandb.sdk.internal.datastore import DataStore

    (path,) = folder.glob("*.wandb")
    store = DataStore()
    store.open_for_scan(str(path))
    records = iter(store.scan_data, None)
    return [wandb_internal_pb2.Record.FromString(data) for data in records]


@pytest.mark.slow
def test_a_run_is_written_once_with_settings_figures_and_pictures(run, tmp_path, monkeypatch):
    picture = [(Image.new("RGB", (8, 6), "red"), "p1: Boots, predicted Sandals (0.900)")]
    monkeypatch.setattr(wandb_export, "pictures_of", lambda _: {"confident errors": picture})
    unfinished = dataclasses.replace(run, id="b", outcome="unfinished")
    target = tmp_path / "tracking"
    interrupted = target / "wandb" / f"offline-run-20260101_000000-{wandb_id(run)}"
    interrupted.mkdir(parents=True)

    assert log_to_wandb([run, unfinished], str(target)) == ["a"]
    assert log_to_wandb([run, unfinished], str(target)) == []

    assert not interrupted.exists()
    (folder,) = target.glob("wandb/offline-run-*")
    assert (folder / COMPLETE).exists()
    records = _records(folder)
    (begun,) = [each.run for each in records if each.WhichOneof("record_type") == "run"]
    assert (begun.run_id, begun.display_name, begun.project) == (wandb_id(run), "a", "shelfsort")
    assert begun.host == "shelfsort"
    config = {each.key or each.nested_key[0]: each.value_json for each in begun.config.update}
    assert json.loads(config["training.fit.epochs"]) == 3
    logged = {
        item.key or "/".join(item.nested_key): json.loads(item.value_json)
        for each in records
        if each.WhichOneof("record_type") == "history"
        for item in each.history.item
    }
    assert logged["combined/eval/accuracy"] == 1.0
    assert logged["serving/peak_memory_mb"] == 700
    assert logged["confident errors/captions"] == [picture[0][1]]
    assert len(list(folder.glob("files/media/images/*.png"))) == 1
    assert logged["report/_type"] == "html-file"


def test_without_the_package_the_error_names_the_extra(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(InputError, match=r"shelfsort\[wandb\]"):
        log_to_wandb([run], str(tmp_path))


def test_a_file_in_place_of_the_folder_is_named(run, tmp_path):
    (tmp_path / "notes").write_text("x")
    with pytest.raises(InputError, match=r"notes: is a file"):
        log_to_wandb([run], str(tmp_path / "notes"))
