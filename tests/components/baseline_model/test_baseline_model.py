from pathlib import Path

import pytest
from tfx.dsl.components.base import base_executor
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.baseline_model.component import BaselineModel
from components.baseline_model.executor import Executor
from components.baseline_model.selection import baseline_version
from pipeline.errors import InputError
from serving.versions import publish


@pytest.fixture
def serving_dir(tmp_path) -> Path:
    """A base path with versions 1 and 2."""
    base = tmp_path / "serving" / "products"
    for content in ("first", "second"):
        model = tmp_path / content
        (model / "variables").mkdir(parents=True)
        (model / "saved_model.pb").write_text(content)
        (model / "variables" / "variables.index").write_text(content)
        publish(model, base)
    return base


def _baseline(
    serving_dir: Path, tmp_path: Path, live_version: str = ""
) -> standard_artifacts.Model:
    artifact = standard_artifacts.Model()
    artifact.uri = str(tmp_path / "baseline")
    Executor(base_executor.BaseExecutor.Context()).Do(
        {},
        {"baseline": [artifact]},
        {"serving_dir": str(serving_dir), "live_version": live_version},
    )
    return artifact


def _graph(artifact: standard_artifacts.Model) -> str:
    return (Path(path_utils.serving_model_path(artifact.uri)) / "saved_model.pb").read_text()


def test_the_live_model_is_copied_to_where_a_trainer_writes_its_model(serving_dir, tmp_path):
    artifact = _baseline(serving_dir, tmp_path)
    assert _graph(artifact) == "second"
    assert artifact.get_string_custom_property("live_version") == "2"
    assert len(artifact.get_string_custom_property("model_digest")) == 64
    copied = Path(artifact.uri) / "Format-Serving" / "variables" / "variables.index"
    assert copied.read_text() == "second"


def test_the_version_named_when_the_pipeline_was_made_is_the_one(serving_dir, tmp_path):
    artifact = _baseline(serving_dir, tmp_path, live_version="1")
    assert _graph(artifact) == "first"
    assert artifact.get_string_custom_property("live_version") == "1"


def test_nothing_live_leaves_only_a_file_that_says_so(tmp_path):
    artifact = _baseline(tmp_path / "nowhere", tmp_path)
    assert [file.name for file in Path(artifact.uri).iterdir()] == ["NO_LIVE_MODEL"]


def test_a_version_that_is_gone_or_no_number_is_refused(serving_dir):
    with pytest.raises(InputError, match=r"no version 9\. Versions: 1, 2\."):
        baseline_version(str(serving_dir), "9")
    with pytest.raises(InputError, match="not a version's number"):
        baseline_version(str(serving_dir), "latest")


def test_wires_its_properties():
    component = BaselineModel(serving_dir="/serving/products", code_digest="ab")
    assert component.exec_properties == {
        "serving_dir": "/serving/products",
        "live_version": "",
        "code_digest": "ab",
    }
    assert component.outputs["baseline"].type is standard_artifacts.Model
