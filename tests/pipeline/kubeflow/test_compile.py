"""compile writes a spec that the backends take: deterministic, by digest, rightly cached."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from pydantic import TypeAdapter

from components.manifest_example_gen.settings import DataConfig
from pipeline.config import load_config
from pipeline.kubeflow.destination import Destination
from pipeline.kubeflow.lint import lint
from pipeline.kubeflow.spec import load_spec
from shelfsort.training.settings import TrainingConfig
from tests.fixtures.warm_python import SHELFSORT, WARM

pytestmark = pytest.mark.slow

IMAGE = f"registry.example/shelfsort@sha256:{'5e' * 32}"
CUDA_IMAGE = f"registry.example/shelfsort-gpu@sha256:{'6f' * 32}"
DESTINATION = {
    "target": "kubeflow",
    "image": IMAGE,
    "root": "minio://mlpipeline/v2",
    "manifest": "/data/labelled.manifest",
    "taxonomy": "/data/taxonomy.json",
    "content_digest": "0123456789abcdef",
    "serving_dir": "/data/serving/shelfsort",
}
VOLUME = ('kubeflow.volumes={"shelfsort-data": /data}',)


@pytest.fixture(scope="module")
def runner():
    from pipeline.kubeflow import compiler as kubeflow_runner

    return kubeflow_runner


@pytest.fixture(scope="module")
def text(runner):
    def compile_text(*settings, config=None, **changes):
        config = config or load_config(None, [*VOLUME, *settings])
        return runner.compile_pipeline(Destination(**{**DESTINATION, **changes}), config)

    return compile_text


@pytest.fixture(scope="module")
def spec(text):
    return yaml.safe_load_all(text()).__next__()


def tasks(spec):
    return spec["root"]["dag"]["tasks"]


def container(spec, task):
    label = spec["components"][task]["executorLabel"]
    return spec["deploymentSpec"]["executors"][label]["container"]


def constant(spec, task, name):
    return tasks(spec)[task]["inputs"]["parameters"][name]["runtimeValue"]["constant"]


def test_the_same_input_gives_the_same_bytes_in_another_process(text, tmp_path):
    program = (
        "import sys; from pipeline.kubeflow.compiler import compile_pipeline; "
        "from pipeline.kubeflow.destination import Destination; "
        "from pipeline.config import load_config; import json; "
        "d = Destination(**json.loads(sys.argv[1])); "
        "sys.stdout.write(compile_pipeline(d, load_config(None, json.loads(sys.argv[2]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(DESTINATION), json.dumps(VOLUME)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )
    assert done.stdout == text()


@pytest.mark.parametrize(
    ("target", "settings", "places"),
    [
        ("kubeflow", VOLUME, {}),
        (
            "vertex",
            (),
            {
                "root": "gs://bucket/root",
                "manifest": "gs://bucket/labelled.manifest",
                "taxonomy": "gs://bucket/taxonomy.json",
                "serving_dir": "gs://bucket/serving/shelfsort",
            },
        ),
    ],
)
def test_lint_has_nothing_against_what_was_compiled(text, tmp_path, target, settings, places):
    path = tmp_path / "pipeline.yaml"
    path.write_text(text(config=load_config(None, settings), target=target, **places))
    assert lint(load_spec(str(path)), target) == []


def test_both_documents_are_what_kubeflows_client_takes(text):
    spec, platform = yaml.safe_load_all(text("kubeflow.trainer.node_selector={pool: gpu}"))
    parsed = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    deployment = json_format.ParseDict(
        spec["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig()
    )
    json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
    assert parsed.schema_version == "2.1.0"
    assert len(deployment.executors) == len(parsed.root.dag.tasks) == 13


def test_input_output_and_serving_are_parameters_of_a_run(spec):
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert {name: each["defaultValue"] for name, each in parameters.items()} == {
        "manifest": "/data/labelled.manifest",
        "taxonomy": "/data/taxonomy.json",
        "serving_dir": "/data/serving/shelfsort",
        "content_digest": "0123456789abcdef",
        "spans": "[]",
    }
    assert spec["defaultPipelineRoot"] == "minio://mlpipeline/v2"
    taken = {
        (task, given["componentInputParameter"])
        for task, each in tasks(spec).items()
        for given in each.get("inputs", {}).get("parameters", {}).values()
        if "componentInputParameter" in given
    }
    assert taken == {
        *(("InputCheck", name) for name in parameters),
        ("ManifestExampleGen", "manifest"),
        ("ManifestExampleGen", "taxonomy"),
        ("BaselineModel", "serving_dir"),
        ("Pusher", "serving_dir"),
    }


def answers_taken(spec):
    """(task, its parameter, answer of InputCheck), of the tasks that wait for InputCheck."""
    found = set()
    for name, task in tasks(spec).items():
        for parameter, given in task.get("inputs", {}).get("parameters", {}).items():
            if source := given.get("taskOutputParameter"):
                assert source["producerTask"] == "InputCheck" in task["dependentTasks"]
                found.add((name, parameter, source["outputParameterKey"]))
    return found


def test_what_only_shows_when_a_run_begins_is_taken_from_input_check(spec, text):
    taken = {
        ("ManifestExampleGen", "content_digest", "content_digest"),
        ("ManifestExampleGen", "spans", "spans"),
        ("BaselineModel", "live_version", "live_version"),
        ("DriftCheck", "serving_logs_digest", "serving_logs_digest"),
        ("Trainer", "weights_digest", "weights_digest"),
    }
    assert answers_taken(spec) == taken
    warm = next(yaml.safe_load_all(text("training.fit.warm_start=true")))
    assert answers_taken(warm) == taken | {("StartModel", "model_digest", "start_digest")}


def test_input_check_sees_what_ingestion_sees(text):
    spec = next(
        yaml.safe_load_all(
            text(
                "data.reduction=/data/reduction.csv",
                "data.image_roots=[/data/pictures]",
                "data.allow_http=true",
                "data.min_confidence=0.7",
                "data.max_reject_share=0.3",
                "drift.serving_logs=/data/logs/*",
            )
        )
    )
    settings = constant(spec, "InputCheck", "data")
    assert settings == constant(spec, "ManifestExampleGen", "data")
    assert TypeAdapter(DataConfig).validate_json(settings) == DataConfig(
        reduction="/data/reduction.csv",
        image_roots=("/data/pictures",),
        allow_http=True,
        min_confidence=0.7,
        max_reject_share=0.3,
    )
    assert constant(spec, "InputCheck", "serving_logs") == "/data/logs/*"
    assert constant(spec, "InputCheck", "training") == ""
    given = tasks(spec)["InputCheck"]["inputs"]["parameters"].keys()
    assert given == spec["components"]["InputCheck"]["inputDefinitions"]["parameters"].keys()


def test_input_check_is_told_of_weights_files_that_only_steps_can_read(text):
    named = text("kubeflow.volumes={claim: /data}", "training.image.backbone_weights=/data/own.h5")
    settings = constant(next(yaml.safe_load_all(named)), "InputCheck", "training")
    image = TypeAdapter(TrainingConfig).validate_json(settings).image
    assert image.backbone_weights == "/data/own.h5"


def test_every_step_runs_our_entrypoint_in_the_image_by_digest(spec):
    for task in tasks(spec):
        module = "input_check" if task == "InputCheck" else "entrypoint"
        assert container(spec, task)["image"] == IMAGE
        assert container(spec, task)["command"] == ["python", "-m", f"pipeline.kubeflow.{module}"]


def test_user_code_is_named_by_dotted_paths(spec):
    assert constant(spec, "Trainer", "run_fn") == "components.trainer.module.run_fn"


def test_the_trainer_takes_what_the_tuner_finds(text):
    spec = next(yaml.safe_load_all(text("tuning.trials=3")))
    taken = tasks(spec)["Trainer"]["inputs"]["artifacts"]["hyperparameters"]["taskOutputArtifact"]
    assert taken == {"producerTask": "Tuner", "outputArtifactKey": "best_hyperparameters"}
    shown = tasks(spec)["ReportGen"]["inputs"]["artifacts"]["tuner_results"]["taskOutputArtifact"]
    assert shown["producerTask"] == "Tuner"
    given = tasks(spec)["Tuner"]["inputs"]["artifacts"]
    assert given.keys() == {"examples", "transform_graph", "taxonomy"}


def test_nothing_names_the_machine_that_compiled(text, request):
    assert str(request.config.rootpath) not in text()
    assert sys.prefix not in text()


def test_a_digest_of_its_code_is_among_every_steps_execution_properties(spec):
    # All of StatisticsGen is TFX's own: its version is the image's, its options are a property.
    # InputCheck is never cached.
    for task in tasks(spec).keys() - {"StatisticsGen", "InputCheck"}:
        given = tasks(spec)[task]["inputs"]["parameters"]
        digest = (
            constant(spec, task, "code_digest")
            if "code_digest" in given
            else json.loads(constant(spec, task, "custom_config"))["code_digest"]
        )
        assert re.fullmatch("[0-9a-f]{16}", digest), task


@pytest.mark.parametrize("content_digest", ["0123456789abcdef", ""])
def test_only_what_looks_outside_the_pipeline_is_not_cached(text, content_digest):
    spec = next(yaml.safe_load_all(text(content_digest=content_digest)))
    uncached = {name for name, task in tasks(spec).items() if not task["cachingOptions"]}
    assert uncached == {"InputCheck", "Pusher"}


def test_failed_steps_are_tried_again(spec, text):
    for task in tasks(spec).values():
        assert task["retryPolicy"]["maxRetryCount"] == 2
        assert task["retryPolicy"]["backoffDuration"] == "30s"
    without = next(yaml.safe_load_all(text("kubeflow.retries=0")))
    assert not any("retryPolicy" in task for task in tasks(without).values())


@pytest.mark.parametrize("training", [["Trainer"], ["Trainer", "Tuner"]])
def test_resources_and_nodes_are_for_training_alone(text, training):
    settings = {
        "gpus": 1,
        "cpu_request": 4,
        "memory_request_gb": 16,
        "memory_limit_gb": 24,
        "node_selector": "{pool: gpu}",
        "image": CUDA_IMAGE,
    }
    overrides = [f"kubeflow.trainer.{key}={value}" for key, value in settings.items()]
    overrides.append(f"tuning.trials={3 if 'Tuner' in training else 0}")
    spec, platform = yaml.safe_load_all(text(*overrides))
    for name in training:
        assert container(spec, name)["image"] == CUDA_IMAGE
        assert container(spec, name)["resources"] == {
            "accelerator": {"type": "nvidia.com/gpu", "count": "1"},
            "cpuRequest": 4.0,
            "memoryRequest": 16.0,
            "memoryLimit": 24.0,
        }
    others = [name for name in tasks(spec) if name not in training]
    assert not any("resources" in container(spec, name) for name in others)
    assert all(container(spec, name)["image"] == IMAGE for name in others)
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    selectors = {
        name: each["nodeSelector"] for name, each in executors.items() if "nodeSelector" in each
    }
    assert selectors == {f"{name}_executor": {"labels": {"pool": "gpu"}} for name in training}


def test_every_step_mounts_the_volumes(text, spec):
    _, platform = yaml.safe_load_all(text())
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors.keys() == spec["deploymentSpec"]["executors"].keys()
    for settings in executors.values():
        assert settings["pvcMount"] == [{"constant": "shelfsort-data", "mountPath": "/data"}]


def test_a_name_that_kubeflow_would_refuse_is_adapted_and_the_model_keeps_its_own(text):
    spec = next(yaml.safe_load_all(text("name=Spring_Shelf")))
    assert spec["pipelineInfo"]["name"] == "spring-shelf"
    assert constant(spec, "Pusher", "model_name") == "Spring_Shelf"


def _shelfsort(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """The command as users start it: nothing else has set up its standard error."""
    command = [sys.executable, "-m", SHELFSORT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_checks_the_input_and_says_what_it_wrote(tmp_path):
    from demo.catalogue import make_catalogue

    catalogue = make_catalogue(tmp_path / "catalogue", 30)
    output = tmp_path / "pipeline.yaml"
    common = (
        *("--taxonomy", catalogue.taxonomy, "--root", "minio://mlpipeline/v2"),
        *("--serving", tmp_path / "serving", "--image", IMAGE, "--output", output),
        *("--set", f"kubeflow.volumes={{data: {tmp_path}}}"),
    )
    done = _shelfsort("compile", "--manifest", catalogue.manifest, *common)
    assert (done.returncode, done.stderr) == (0, "")
    spec = next(yaml.safe_load_all(output.read_text()))
    digest = spec["root"]["inputDefinitions"]["parameters"]["content_digest"]["defaultValue"]
    assert len(digest) == 96
    refused = _shelfsort("compile", "--manifest", tmp_path / "missing.manifest", *common)
    assert refused.returncode == 2
    (line,) = refused.stderr.strip().splitlines()
    assert "missing.manifest" in line and "--skip-input-check" in line


def test_lint_spec_exits_with_2_and_a_line_for_each_finding(text, tmp_path):
    sound, flawed = tmp_path / "sound.yaml", tmp_path / "flawed.yaml"
    sound.write_text(text())
    flawed.write_text(text().replace("schemaVersion: 2.1.0", "schemaVersion: 2.0.0"))
    assert WARM.shelfsort("lint-spec", sound).returncode == 0
    done = WARM.shelfsort("lint-spec", flawed)
    assert done.returncode == 2
    assert done.stdout.startswith(f"{flawed}:") and "[spec-version]" in done.stdout
    (finding,) = json.loads(WARM.shelfsort("lint-spec", flawed, "--json").stdout)
    assert finding["rule"] == "spec-version"


def test_lint_catches_what_tfx_compiles_and_kubeflow_cannot_run(tmp_path):
    """A pipeline of stock components: Resolver, module_file, file-based ExampleGen, spec 2.0."""
    from tfx.components import ImportExampleGen, SchemaGen, StatisticsGen, Transform
    from tfx.dsl.components.common.resolver import Resolver
    from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner as kubeflow
    from tfx.orchestration.pipeline import Pipeline
    from tfx.types.channel import Channel
    from tfx.types.standard_artifacts import Model

    module = tmp_path / "module.py"
    module.write_text("def preprocessing_fn(inputs):\n    return inputs\n")
    gen = ImportExampleGen(input_base="gs://bucket/records")
    statistics = StatisticsGen(examples=gen.outputs["examples"])
    schema = SchemaGen(statistics=statistics.outputs["statistics"])
    transform = Transform(
        examples=gen.outputs["examples"],
        schema=schema.outputs["schema"],
        module_file=str(module),
    )
    resolver = Resolver(
        strategy_class=LatestArtifactStrategy,
        model=Channel(type=Model),
    ).with_id("latest_model")
    graph = Pipeline(
        pipeline_name="stock",
        pipeline_root=str(tmp_path / "root"),
        components=[gen, statistics, schema, transform, resolver],
    )
    output = tmp_path / "stock.json"
    kubeflow.KubeflowV2DagRunner(
        kubeflow.KubeflowV2DagRunnerConfig(default_image="tfx:1.16"),
        output_dir=str(tmp_path),
        output_filename=output.name,
    ).run(graph)
    rules = {finding.rule for finding in lint(load_spec(str(output)), "kubeflow")}
    assert rules >= {
        "resolver",
        "module-file",
        "example-gen-fingerprint",
        "spec-version",
        "image-by-tag",
        "tfx-entrypoint",
    }
