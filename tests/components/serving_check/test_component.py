"""The component as TFX runs it: artifacts in, a blessing out."""

import json
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from components.serving_check.component import ServingCheck
from components.serving_check.executor import Executor


@pytest.fixture
def examples(tmp_path, eval_examples) -> standard_artifacts.Examples:
    artifact = standard_artifacts.Examples()
    artifact.uri = str(tmp_path / "examples")
    artifact.split_names = artifact_utils.encode_split_names(["train", "eval"])
    folder = Path(artifact.uri) / "Split-eval"
    folder.mkdir(parents=True)
    path = str(folder / "data_tfrecord-00000-of-00001.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for example in eval_examples:
            writer.write(example)
    return artifact


@pytest.fixture
def model(tmp_path) -> standard_artifacts.Model:
    artifact = standard_artifacts.Model()
    artifact.uri = str(tmp_path / "model")
    return artifact


def _check(examples, model, tmp_path) -> standard_artifacts.InfraBlessing:
    blessing = standard_artifacts.InfraBlessing()
    blessing.uri = str(tmp_path / "blessing")
    Executor(base_executor.BaseExecutor.Context()).Do(
        {"examples": [examples], "model": [model]},
        {"blessing": [blessing]},
        {"golden_products": 4, "tolerance": 1e-4, "time_limit_s": 120},
    )
    return blessing


@pytest.mark.slow
def test_a_good_model_is_blessed_as_infra_validator_blesses(examples, model, good_model, tmp_path):
    Path(model.uri).mkdir()
    (Path(model.uri) / "Format-Serving").symlink_to(good_model)
    blessing = _check(examples, model, tmp_path)
    assert blessing.get_int_custom_property("blessed") == 1
    names = sorted(file.name for file in Path(blessing.uri).iterdir())
    assert names == ["INFRA_BLESSED", "report.json"]
    report = json.loads((Path(blessing.uri) / "report.json").read_text())
    assert report["blessed"]
    assert report["products"] == 4 + 6


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_is_not_blessed_and_stops_nothing(examples, model, tmp_path):
    folder = Path(model.uri) / "Format-Serving"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"not a graph")
    blessing = _check(examples, model, tmp_path)
    assert blessing.get_int_custom_property("blessed") == 0
    names = sorted(file.name for file in Path(blessing.uri).iterdir())
    assert names == ["INFRA_NOT_BLESSED", "report.json"]
    (check,) = json.loads((Path(blessing.uri) / "report.json").read_text())["checks"]
    assert (check["name"], check["passed"]) == ("loads_as_served", False)


def test_wires_its_channels():
    component = ServingCheck(
        examples=channel_utils.as_channel([standard_artifacts.Examples()]),
        model=channel_utils.as_channel([standard_artifacts.Model()]),
        time_limit_s=60,
        code_digest="ab",
    )
    assert component.outputs["blessing"].type is standard_artifacts.InfraBlessing
    assert component.exec_properties == {
        "golden_products": 32,
        "tolerance": 1e-4,
        "time_limit_s": 60,
        "measurement": None,
        "code_digest": "ab",
    }
