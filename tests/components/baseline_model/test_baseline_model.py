from pathlib import Path

import pytest
from tfx.dsl.components.base import base_executor
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.baseline_model.component import BaselineModel
from components.baseline_model.executor import Executor
from components.baseline_model.selection import (
    live_baseline,
    newest_with_digest,
    start_digest,
)
from serving.versions import live_version, publish, rollback
from shelfsort.core.errors import InputError


@pytest.fixture
def serving_dir(tmp_path) -> Path:
    """A base path with versions 1 and 2."""
    base = tmp_path / "serving" / "products"
    for content in ("first", "second"):
        _push(tmp_path, base, content)
    return base


def _push(tmp_path: Path, base: Path, content: str, **lineage: str) -> None:
    model = tmp_path / content
    (model / "variables").mkdir(parents=True)
    (model / "saved_model.pb").write_text(content)
    (model / "variables" / "variables.index").write_text(content)
    publish(model, base, extra_lineage=lineage)


def _baseline(serving_dir: Path, tmp_path: Path, **named: str) -> standard_artifacts.Model:
    artifact = standard_artifacts.Model()
    artifact.uri = str(tmp_path / "baseline")
    Executor(base_executor.BaseExecutor.Context()).Do(
        {},
        {"baseline": [artifact]},
        {"serving_dir": str(serving_dir), **named},
    )
    return artifact


def _graph(artifact: standard_artifacts.Model) -> str:
    return (Path(path_utils.serving_model_path(artifact.uri)) / "saved_model.pb").read_text()


def test_the_live_model_is_copied_to_where_a_trainer_writes_its_model(serving_dir, tmp_path):
    artifact = _baseline(serving_dir, tmp_path, live_version="2")
    assert _graph(artifact) == "second"
    assert artifact.get_string_custom_property("live_version") == "2"
    assert len(artifact.get_string_custom_property("model_digest")) == 64
    copied = Path(artifact.uri) / "Format-Serving" / "variables" / "variables.index"
    assert copied.read_text() == "second"


def test_the_version_that_was_live_when_the_run_began_is_the_one(serving_dir, tmp_path):
    artifact = _baseline(serving_dir, tmp_path, live_version="1")
    assert _graph(artifact) == "first"
    assert artifact.get_string_custom_property("live_version") == "1"


@pytest.mark.parametrize(
    "named", [{"live_version": ""}, {"model_digest": ""}, {"model_digest": "0123"}]
)
def test_no_such_model_leaves_only_a_file_that_says_so(serving_dir, tmp_path, named):
    artifact = _baseline(serving_dir, tmp_path, **named)
    assert [file.name for file in Path(artifact.uri).iterdir()] == ["NO_LIVE_MODEL"]


def test_a_model_to_start_from_is_copied_by_its_digest(serving_dir, tmp_path):
    digest = live_baseline(str(serving_dir), "1").digest
    assert _graph(_baseline(serving_dir, tmp_path, model_digest=digest)) == "first"


def test_of_versions_that_hold_one_model_the_newest_is_copied(serving_dir):
    digest = live_baseline(str(serving_dir), "1").digest
    rollback(serving_dir)
    assert newest_with_digest(str(serving_dir), digest).number == 3


def test_training_on_new_products_starts_from_the_live_model(serving_dir):
    live = live_version(serving_dir)
    assert start_digest(live, "new products") == live.digest
    assert start_digest(None, "new products") == ""


def test_training_on_what_the_live_model_knows_starts_from_where_that_started(
    serving_dir, tmp_path
):
    before = live_version(serving_dir)
    start = start_digest(before, "products")
    _push(tmp_path, serving_dir, "third", manifest_digest="products", base_model=start)
    assert start_digest(live_version(serving_dir), "products") == start
    _push(tmp_path, serving_dir, "cold", manifest_digest="products", base_model="")
    assert start_digest(live_version(serving_dir), "products") == ""


def test_a_live_model_that_was_given_none_to_start_from_is_started_from(serving_dir, tmp_path):
    _push(tmp_path, serving_dir, "third", manifest_digest="products")
    live = live_version(serving_dir)
    assert start_digest(live, "products") == live.digest


def test_going_back_to_an_older_model_leaves_the_start_of_the_newer_products_as_it_was(
    serving_dir, tmp_path
):
    start = start_digest(live_version(serving_dir), "newer products")
    _push(tmp_path, serving_dir, "third", manifest_digest="newer products", base_model=start)
    rollback(serving_dir)
    assert start_digest(live_version(serving_dir), "newer products") == start


def test_a_version_that_is_gone_or_no_number_is_refused(serving_dir):
    with pytest.raises(InputError, match=r"no version 9\. Versions: 1, 2\."):
        live_baseline(str(serving_dir), "9")
    with pytest.raises(InputError, match="not a version's number"):
        live_baseline(str(serving_dir), "latest")


def test_wires_its_properties():
    component = BaselineModel("/serving/products", live_version="", code_digest="ab")
    assert component.exec_properties == {
        "serving_dir": "/serving/products",
        "live_version": "",
        "model_digest": None,
        "code_digest": "ab",
    }
    assert component.outputs["baseline"].type is standard_artifacts.Model
