"""The wiring of the Evaluator, and how its executor reads anomalies."""

import json

import pytest
from pydantic import TypeAdapter
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import Taxonomy
from components.evaluator import executor
from components.evaluator.component import Evaluator
from components.evaluator.settings import GateConfig


def channels() -> dict[str, types.Channel]:
    kinds = {
        "examples": standard_artifacts.Examples,
        "taxonomy": Taxonomy,
        "model": standard_artifacts.Model,
    }
    return {name: types.Channel(type=kind) for name, kind in kinds.items()}


def test_outputs_are_tfx_standard_artifacts():
    outputs = Evaluator(**channels(), gate=GateConfig()).outputs
    assert outputs["evaluation"].type is standard_artifacts.ModelEvaluation
    assert outputs["blessing"].type is standard_artifacts.ModelBlessing


def test_settings_travel_as_json():
    gate = GateConfig(accuracy=0.7)
    evaluator = Evaluator(**channels(), gate=gate, slices=["brand"], code_digest="ab")
    properties = evaluator.exec_properties
    assert TypeAdapter(GateConfig).validate_json(properties["gate"]) == gate
    assert json.loads(properties["slices"]) == ["brand"]
    assert properties["code_digest"] == "ab"


@pytest.fixture
def anomalies(tmp_path) -> types.Artifact:
    artifact = standard_artifacts.ExampleAnomalies()
    artifact.uri = str(tmp_path)
    artifact.split_names = artifact_utils.encode_split_names(["train", "eval"])
    for split in ("train", "eval"):
        (tmp_path / f"Split-{split}").mkdir()
        (tmp_path / f"Split-{split}" / "SchemaDiff.pb").write_bytes(b"")
    return artifact


def test_clean_data_has_an_empty_list_and_no_validation_has_none(anomalies):
    assert executor._anomalies([anomalies]) == []
    assert executor._anomalies(None) is None


def test_an_anomaly_is_told_with_its_split(anomalies, tmp_path):
    found = anomalies_pb2.Anomalies()
    found.anomaly_info["price"].short_description = "Out of range"
    found.anomaly_info["price"].description = "3 values below 0"
    found.anomaly_info["price"].severity = anomalies_pb2.AnomalyInfo.ERROR
    (tmp_path / "Split-eval" / "SchemaDiff.pb").write_bytes(found.SerializeToString())
    (line,) = executor._anomalies([anomalies])
    assert "eval" in line
    assert "price" in line


def test_validation_that_left_nothing_to_read_fails_closed(anomalies, tmp_path):
    (tmp_path / "Split-eval" / "SchemaDiff.pb").unlink()
    with pytest.raises(Exception, match="SchemaDiff"):
        executor._anomalies([anomalies])
