from pathlib import Path

import pytest
from tfx.dsl.components.base import base_executor
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts

from components.artifacts import DataDrift
from components.baseline_model.component import BaselineModel
from components.pusher.artifact import Push
from components.pusher.component import Pusher
from components.pusher.executor import Executor
from serving import versions
from shelfsort.contract.model_files import TRAINING_STATISTICS


@pytest.fixture
def base(tmp_path) -> Path:
    return tmp_path / "serving" / "products"


def _push(inputs, base: Path, approved_by: str = "") -> standard_artifacts.PushedModel:
    pushed = standard_artifacts.PushedModel()
    pushed.uri = str(base.parent / "pushed_model")
    Executor(base_executor.BaseExecutor.Context()).Do(
        inputs.artifacts(),
        {"pushed_model": [pushed]},
        {"serving_dir": str(base), "model_name": "products", "approved_by": approved_by},
    )
    return pushed


def _outcome(pushed: standard_artifacts.PushedModel) -> Push:
    return Push.read(pushed.uri)


def test_a_blessed_model_goes_live_with_its_lineage(inputs, base):
    pushed = _push(inputs, base, approved_by="Ada")
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_version") == "1"
    assert pushed.get_string_custom_property("pushed_destination") == str(base / "1")
    lineage = versions.live_version(base).lineage
    assert lineage["name"] == "products"
    assert lineage["backbone"] == "none"
    assert lineage["metrics"]["combined"]["eval"]["accuracy"] == 0.9
    assert lineage["approved_by"] == "Ada"
    assert versions.verify(versions.live_version(base)) == []


def test_the_training_statistics_go_live_with_the_model_and_back_with_a_rollback(inputs, base):
    _push(inputs, base)
    inputs.train("other weights")
    Path(inputs.uri("drift"), "training_statistics.pb").write_text("of other products")
    _push(inputs, base)
    back = versions.rollback(base)
    live = [Path(version.path, TRAINING_STATISTICS) for version in versions.list_versions(base)]
    assert [path.read_text() for path in live] == [
        "how often what occurs",
        "of other products",
        "how often what occurs",
    ]
    assert versions.verify(back) == []
    live[-1].write_text("tampered with")
    assert versions.verify(back) == [f"{TRAINING_STATISTICS} has changed"]


@pytest.mark.parametrize(
    ("blessings", "refusing"),
    [
        ({"model": False}, ["model_blessing_check"]),
        ({"infra": False}, ["serving_check_infra_blessing_check"]),
        (
            {"model": False, "infra": False},
            ["model_blessing_check", "serving_check_infra_blessing_check"],
        ),
    ],
)
def test_a_model_without_both_blessings_is_not_pushed_and_says_why(
    inputs, base, blessings, refusing
):
    inputs.bless(**blessings)
    pushed = _push(inputs, base)
    assert pushed.get_int_custom_property("pushed") == 0
    outcome = _outcome(pushed)
    assert outcome == Push(pushed=False, reasons=outcome.reasons)
    assert [reason.partition(": because.")[0] for reason in outcome.reasons] == refusing
    assert versions.list_versions(base) == []


@pytest.mark.parametrize("name", ["model_blessing/BLESSED", "infra_blessing/INFRA_BLESSED"])
def test_a_blessing_that_says_nothing_blesses_nothing(inputs, base, name):
    Path(inputs.uri(name)).unlink()
    assert _push(inputs, base).get_int_custom_property("pushed") == 0
    assert versions.list_versions(base) == []


def test_an_approval_does_not_stand_in_for_a_blessing(inputs, base):
    inputs.bless(infra=False)
    assert _push(inputs, base, approved_by="Ada").get_int_custom_property("pushed") == 0


def test_pushing_again_after_a_crash_finds_the_model_live(inputs, base):
    _push(inputs, base)
    again = _push(inputs, base)
    assert again.get_int_custom_property("pushed") == 1
    assert _outcome(again).already_live
    assert [version.number for version in versions.list_versions(base)] == [1]


def test_a_model_that_was_rolled_back_needs_an_approval_to_return(inputs, base):
    _push(inputs, base)
    inputs.train("other weights")
    _push(inputs, base)
    versions.rollback(base)
    refused = _push(inputs, base)
    assert "was rolled back" in _outcome(refused).reasons[0]
    assert versions.live_version(base).number == 3
    assert _outcome(_push(inputs, base, approved_by="Ada")).version == 4


def test_runs_in_a_pipeline_beside_the_baseline(inputs, base, tmp_path):
    def imported(name: str, kind: type) -> Importer:
        importer = Importer(source_uri=inputs.uri(name), artifact_type=kind, reimport=True)
        return importer.with_id(f"import_{name}")

    importers = {
        "model": imported("model", standard_artifacts.Model),
        "model_blessing": imported("model_blessing", standard_artifacts.ModelBlessing),
        "infra_blessing": imported("infra_blessing", standard_artifacts.InfraBlessing),
        "evaluation": imported("evaluation", standard_artifacts.ModelEvaluation),
        "drift": imported("drift", DataDrift),
    }
    channels = {name: importer.outputs["result"] for name, importer in importers.items()}
    baseline = BaselineModel(serving_dir=str(base), live_version="")
    pusher = Pusher(**channels, serving_dir=str(base), model_name="products")
    pusher.add_upstream_node(baseline)
    LocalDagRunner().run(
        Pipeline(
            pipeline_name="push",
            pipeline_root=str(tmp_path / "root"),
            components=[*importers.values(), baseline, pusher],
            metadata_connection_config=metadata.sqlite_metadata_connection_config(
                str(tmp_path / "metadata.sqlite")
            ),
        )
    )
    assert versions.live_version(base).number == 1
    assert len(list((tmp_path / "root").rglob("NO_LIVE_MODEL"))) == 1
    (outcome,) = (tmp_path / "root").rglob(Push.FILE)
    assert Push.read(outcome.parent).pushed
