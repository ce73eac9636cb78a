"""The compiled spec, executed task by task as a cluster would, ends where `shelfsort run` ends."""

import contextlib
import copy
import dataclasses
import json
import shutil
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

LATER_PRODUCTS = 40
MODES = ("text", "image", "combined")
LOOKS = {"content_digest": "", "spans": "[]"}
"""What a schedule gives each run."""
STOCK_ENTRYPOINT = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"


@dataclasses.dataclass
class World:
    """A volume as the steps of a run see it, and what was compiled for it.

    Attributes:
        folder: where the volume is mounted.
        manifest: the only one in its folder, which the pipeline is compiled for.
        taxonomy: the tree.
        spec: the compiled pipeline.
        cache: what its runs have done.
    """

    folder: Path
    manifest: Path
    taxonomy: Path
    spec: dict
    cache: dict

    @property
    def serving(self) -> Path:
        return self.folder / "serving" / "shelfsort"


@pytest.fixture(scope="module")
def world(tmp_path_factory, compiled, finished_run):
    """A volume with what `shelfsort run` ran on, and no model yet."""
    folder = tmp_path_factory.mktemp("volume").resolve()
    catalogue = folder / "catalogue"
    shutil.copytree(finished_run.catalogue.directory, catalogue)
    manifest = catalogue / finished_run.catalogue.manifest.name
    taxonomy = catalogue / finished_run.catalogue.taxonomy.name
    embeddings = folder / "embeddings"
    shutil.copytree(finished_run.embeddings, embeddings)
    settings = (
        *finished_run.settings,
        "training.fit.warm_start=true",
        f"training.image.embedding_cache={embeddings}",
    )
    spec, _ = compiled(
        folder / "pipeline.yaml",
        *("--manifest", f"{catalogue}/*.manifest", "--taxonomy", taxonomy),
        *("--root", folder / "artifacts", "--serving", folder / "serving"),
        *("--set", f"kubeflow.volumes={{data: {folder}}}"),
        *(part for setting in settings for part in ("--set", setting)),
    )
    return World(folder, manifest, taxonomy, spec, cache={})


@pytest.fixture(scope="module")
def executed(world, launcher, tmp_path_factory):
    run = launcher(
        world.spec,
        str(world.folder / "artifacts"),
        tmp_path_factory.mktemp("cluster"),
        cache=world.cache,
    )
    run.run()
    return run


@pytest.fixture(scope="module")
def scheduled(world, executed, launcher, tmp_path_factory):
    """Two more runs, which look for what is new: there is nothing."""
    runs = [
        launcher(
            world.spec,
            str(world.folder / "artifacts"),
            tmp_path_factory.mktemp("cluster"),
            parameters=LOOKS,
            cache=world.cache,
        )
        for _ in range(2)
    ]
    for run in runs:
        run.run()
    return runs


def read(folder: Path, name: str):
    return json.loads((folder / name).read_text())


def add_products(world: World, name: str) -> Path:
    """Some of the products once more, under other names, in a manifest of their own."""
    lines = []
    for line in world.manifest.read_text().splitlines():
        with contextlib.suppress(ValueError, TypeError):
            product = json.loads(line)
            lines.append(json.dumps(product | {"id": f"later-{len(lines)}"}))
    later = world.manifest.with_name(name)
    later.write_text("".join(f"{line}\n" for line in lines[:LATER_PRODUCTS]))
    return later


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
def test_the_metrics_are_those_of_a_local_run(executed, finished_run, mode):
    metrics = read(executed.output("Evaluator", "evaluation"), "metrics.json")
    for split in ("held_out", "eval"):
        assert metrics[mode][split] == pytest.approx(finished_run.metrics[mode][split], abs=1e-6)


def test_a_scheduled_run_with_nothing_new_only_compares_with_what_went_live(scheduled, world):
    after_the_push = scheduled[0]
    compared = {"BaselineModel", "DriftCheck", "Evaluator", "ReportGen"}
    assert after_the_push.ran() == {"InputCheck", *compared, "Pusher"}
    evaluation = after_the_push.output("Evaluator", "evaluation")
    verdict, metrics = read(evaluation, "verdict.json"), read(evaluation, "metrics.json")
    assert verdict["live"]["version"] == "1"
    assert metrics["live"]["eval"]["accuracy"] == metrics["combined"]["eval"]["accuracy"]
    (drift,) = (check for check in verdict["checks"] if check["name"] == "drift")
    assert drift["passed"] and "live version 1" in drift["reason"]


def test_a_scheduled_run_after_which_nothing_changed_only_looks(scheduled):
    assert scheduled[1].ran() == {"InputCheck", "Pusher"}


def test_a_model_that_is_live_is_not_pushed_again(scheduled, world):
    for run in scheduled:
        push = read(run.output("Pusher", "pushed_model"), "push.json")
        assert (push["version"], push["already_live"]) == (1, True)
    assert [path.name for path in world.serving.iterdir()] == ["1"]


def test_a_failing_gate_stops_the_push(scheduled, world, launcher, tmp_path):
    run = continued(
        launcher,
        scheduled[1],
        with_gate(world.spec, accuracy=0.9999),
        world.folder / "artifacts-2",
        tmp_path,
        without=("Evaluator", "Pusher"),
    )
    run.run("Evaluator", "Pusher")
    verdict = read(run.output("Evaluator", "evaluation"), "verdict.json")
    assert verdict["blessed"] is False
    push = read(run.output("Pusher", "pushed_model"), "push.json")
    assert push["pushed"] is False and push["reasons"]


def test_a_new_manifest_is_trained_on_with_the_old_from_the_live_model_in_a_staged_store(
    scheduled, world, launcher, tmp_path
):
    before = scheduled[1].results["InputCheck"].parameters
    later = add_products(world, "later.manifest")
    run = launcher(
        world.spec, "minio://mlpipeline/v2", tmp_path, parameters=LOOKS, cache=world.cache
    )
    wanted = {"StatisticsGen", "ExampleValidator", "Transform", "StartModel", "Trainer"}
    run.run("InputCheck", "ManifestExampleGen", "SchemaImporter", *wanted)
    later.unlink()
    assert run.ran() == {"InputCheck", "ManifestExampleGen", *wanted}
    assert not any(each.status for each in run.results.values())
    found = run.results["InputCheck"].parameters
    examples = run.results["ManifestExampleGen"].outputs["examples"]
    assert examples["uri"].startswith("minio://mlpipeline/v2/")
    assert json.loads(examples["metadata"]["split_names"]) == ["train", "eval"]
    origin = read(run.local(examples), "origin.json")
    assert set(origin["spans"]) == {str(world.manifest), str(later)}
    assert origin["content_digest"] == found["content_digest"] != before["content_digest"]
    summary = read(run.output("ManifestExampleGen", "rejects"), "summary.json")
    assert summary["files"][str(later)] > LATER_PRODUCTS / 2
    assert summary["files"][str(world.manifest)] > summary["files"][str(later)]
    model = run.output("Trainer", "model") / "Format-Serving"
    assert read(model / "assets.extra", "shelfsort.json")["base_model"] == found["start_digest"]
    live = read(world.serving / "1" / "assets.extra", "shelfsort.json")
    assert found["start_digest"] == live["model_digest"]
    assert "starts from the live model" in run.results["Trainer"].log


def test_vertex_ais_typed_inputs_are_taken_as_they_are(executed, world, launcher, tmp_path):
    run = continued(
        launcher,
        executed,
        world.spec,
        tmp_path / "root",
        tmp_path / "s",
        ("InputCheck", "ExampleValidator"),
        vertex=True,
    )
    run.run("InputCheck", "ExampleValidator")
    assert run.results["InputCheck"].parameters["live_version"] == "1"
    assert run.results["ExampleValidator"].status == 0
    assert (run.output("ExampleValidator", "anomalies") / "Split-train").is_dir()


def test_tfxs_own_entrypoint_still_fails_where_ours_is_needed(executed, world, launcher, tmp_path):
    spec = copy.deepcopy(world.spec)
    container = spec["deploymentSpec"]["executors"]["StatisticsGen_executor"]["container"]
    container["command"] = ["python", "-m", STOCK_ENTRYPOINT]
    run = continued(launcher, executed, spec, tmp_path / "root", tmp_path / "s", ("StatisticsGen",))
    run.run("StatisticsGen")
    assert run.results["StatisticsGen"].status != 0
    assert "'NoneType' object has no attribute 'get'" in run.results["StatisticsGen"].log


def test_bad_input_ends_the_task_with_one_line(world, launcher, tmp_path):
    missing = str(tmp_path / "missing.manifest")
    given = {"manifest": missing, "content_digest": "0123", "spans": json.dumps([missing])}
    run = launcher(world.spec, str(tmp_path / "root"), tmp_path / "s", parameters=given, cold=True)
    run.run("InputCheck", "ManifestExampleGen", "StatisticsGen")
    ingestion = run.results["ManifestExampleGen"]
    assert ingestion.status == 2
    assert "missing.manifest" in ingestion.log.strip().splitlines()[-1]
    assert "StatisticsGen" not in run.results
