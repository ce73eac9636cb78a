"""The compiled spec, executed task by task as a cluster would, ends where `shelfsort run` ends."""

import copy
import dataclasses
import json
from pathlib import Path

import pytest

from pipeline.demo.catalogue import make_catalogue

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

PRODUCTS = 250
MODES = ("text", "image", "combined")
# So few products prove little: the floors are out of the way, but where a test sets one.
SETTINGS = tuple(
    part
    for setting in (
        "training.epochs=4",
        "evaluation.accuracy=0",
        "evaluation.accepted_accuracy_95=0",
        "evaluation.accepted_accuracy_98=0",
        "evaluation.min_calibration=0",
    )
    for part in ("--set", setting)
)
STOCK_ENTRYPOINT = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"


@dataclasses.dataclass
class World:
    """A volume as the steps of a run see it, and what was compiled for it."""

    folder: Path
    manifest: Path
    taxonomy: Path
    spec: dict

    @property
    def serving(self) -> Path:
        return self.folder / "serving" / "shelfsort"


@pytest.fixture(scope="module")
def world(tmp_path_factory, compiled):
    folder = tmp_path_factory.mktemp("volume").resolve()
    catalogue = make_catalogue(folder / "catalogue", PRODUCTS)
    spec, _ = compiled(
        folder / "pipeline.yaml",
        *("--manifest", catalogue.manifest, "--taxonomy", catalogue.taxonomy),
        *("--root", folder / "artifacts", "--serving", folder / "serving"),
        *("--set", f"kubeflow.volumes={{data: {folder}}}", *SETTINGS),
    )
    return World(folder, catalogue.manifest, catalogue.taxonomy, spec)


@pytest.fixture(scope="module")
def executed(world, launcher, tmp_path_factory):
    run = launcher(world.spec, str(world.folder / "artifacts"), tmp_path_factory.mktemp("cluster"))
    run.run()
    return run


@pytest.fixture(scope="module")
def local_metrics(world, shelfsort, tmp_path_factory):
    output = tmp_path_factory.mktemp("local") / "out"
    done = shelfsort(
        *("run", "--manifest", world.manifest, "--taxonomy", world.taxonomy),
        *("--output", output, *SETTINGS),
    )
    assert done.returncode == 0, done.stderr
    return json.loads((output / "metrics.json").read_text())


def read(folder: Path, name: str):
    return json.loads((folder / name).read_text())


def with_gate(spec: dict, **floors) -> dict:
    """The spec with other floors for the Evaluator."""
    changed = copy.deepcopy(spec)
    given = changed["root"]["dag"]["tasks"]["Evaluator"]["inputs"]["parameters"]["gate"]
    gate = json.loads(given["runtimeValue"]["constant"])
    assert gate.keys() >= floors.keys()
    given["runtimeValue"]["constant"] = json.dumps({**gate, **floors})
    return changed


def continued(launcher, executed, spec, root, sandbox, without=(), **options):
    """A run that takes over the results of another, but for the tasks named."""
    run = launcher(spec, str(root), sandbox, **options)
    run.results = {name: each for name, each in executed.results.items() if name not in without}
    return run


def test_every_task_ends_well(executed):
    failed = {name: each.log[-2000:] for name, each in executed.results.items() if each.status}
    assert not failed
    assert executed.results.keys() == executed.tasks.keys()


def test_the_model_is_pushed(executed, world):
    push = read(executed.output("Pusher", "pushed_model"), "push.json")
    assert push["pushed"] is True
    assert (world.serving / str(push["version"]) / "saved_model.pb").is_file()
    lineage = read(world.serving / str(push["version"]) / "assets.extra", "shelfsort.json")
    parameters = world.spec["root"]["inputDefinitions"]["parameters"]
    assert lineage["manifest_digest"] == parameters["content_digest"]["defaultValue"]


def test_the_report_is_written(executed):
    page = (executed.output("ReportGen", "report") / "index.html").read_text()
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("mode", MODES)
def test_the_metrics_are_those_of_a_local_run(executed, local_metrics, mode):
    metrics = read(executed.output("Evaluator", "evaluation"), "metrics.json")
    for split in ("calibration", "eval"):
        assert metrics[mode][split] == pytest.approx(local_metrics[mode][split], abs=1e-6)


def test_the_second_run_compares_with_the_first_and_a_failing_gate_stops_the_push(
    executed, world, launcher, tmp_path
):
    before = sorted(path.name for path in world.serving.iterdir())
    run = continued(
        launcher,
        executed,
        with_gate(world.spec, accuracy=0.9999),
        world.folder / "artifacts-2",
        tmp_path,
        without=("BaselineModel", "DriftCheck", "Evaluator", "ReportGen", "Pusher"),
    )
    run.run("BaselineModel", "DriftCheck", "Evaluator", "Pusher")
    evaluation = run.output("Evaluator", "evaluation")
    verdict, metrics = read(evaluation, "verdict.json"), read(evaluation, "metrics.json")
    assert verdict["live"]["version"] == before[-1]
    assert metrics["live"]["eval"]["accuracy"] == metrics["combined"]["eval"]["accuracy"]
    (drift,) = (check for check in verdict["checks"] if check["name"] == "drift")
    assert drift["passed"] and f"of the live model {before[-1]}" in drift["reason"]
    assert verdict["blessed"] is False
    push = read(run.output("Pusher", "pushed_model"), "push.json")
    assert push["pushed"] is False and push["reasons"]
    assert sorted(path.name for path in world.serving.iterdir()) == before


def test_a_recurring_run_finds_its_files_itself_and_a_staged_store_is_written_and_read(
    world, launcher, tmp_path
):
    given = {"manifest": f"{world.manifest.parent}/*.manifest", "content_digest": "", "spans": "[]"}
    run = launcher(world.spec, "minio://mlpipeline/v2", tmp_path, parameters=given)
    run.run("ManifestExampleGen", "StatisticsGen")
    assert {name: each.status for name, each in run.results.items()} == {
        "ManifestExampleGen": 0,
        "StatisticsGen": 0,
    }
    examples = run.results["ManifestExampleGen"].outputs["examples"]
    assert examples["uri"].startswith("minio://mlpipeline/v2/")
    assert json.loads(examples["metadata"]["split_names"]) == ["train", "calibration", "eval"]
    assert (run.local(examples) / "Split-eval").is_dir()
    origin = read(run.local(examples), "origin.json")
    compiled_for = world.spec["root"]["inputDefinitions"]["parameters"]["content_digest"]
    assert origin["content_digest"] == compiled_for["defaultValue"]
    assert origin["spans"] == [str(world.manifest)]
    assert (run.output("StatisticsGen", "statistics") / "Split-train").is_dir()


def test_vertex_ais_typed_inputs_are_taken_as_they_are(executed, world, launcher, tmp_path):
    run = continued(
        launcher,
        executed,
        world.spec,
        tmp_path / "root",
        tmp_path / "s",
        ("StatisticsGen",),
        vertex=True,
    )
    run.run("StatisticsGen")
    assert run.results["StatisticsGen"].status == 0
    assert (run.output("StatisticsGen", "statistics") / "Split-train").is_dir()


def test_tfxs_own_entrypoint_still_fails_where_ours_is_needed(executed, world, launcher, tmp_path):
    spec = copy.deepcopy(world.spec)
    container = spec["deploymentSpec"]["executors"]["StatisticsGen_executor"]["container"]
    container["command"] = ["python", "-m", STOCK_ENTRYPOINT]
    run = continued(launcher, executed, spec, tmp_path / "root", tmp_path / "s", ("StatisticsGen",))
    run.run("StatisticsGen")
    assert run.results["StatisticsGen"].status != 0
    assert "'NoneType' object has no attribute 'get'" in run.results["StatisticsGen"].log


def test_bad_input_ends_the_task_with_one_line(world, launcher, tmp_path):
    missing = {"manifest": str(tmp_path / "missing.manifest")}
    run = launcher(world.spec, str(tmp_path / "root"), tmp_path / "s", parameters=missing)
    run.run("ManifestExampleGen", "StatisticsGen")
    ingestion = run.results["ManifestExampleGen"]
    assert ingestion.status == 2
    assert "missing.manifest" in ingestion.log.strip().splitlines()[-1]
    assert "StatisticsGen" not in run.results
