"""lint-spec names what a backend cannot run, where it stands and what to do instead."""

import copy
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.kubeflow.lint import lint
from pipeline.kubeflow.spec import load_spec
from shelfsort.core.errors import InputError

IMAGE = f"registry.example/shelfsort@sha256:{'5e' * 32}"


def sound(task="Trainer"):
    """A spec with one task that every target can run."""
    container = {
        "image": IMAGE,
        "command": ["python", "-m", "pipeline.kubeflow.entrypoint"],
        "args": ["--executor_class_path", "components.trainer.executor.Executor"],
    }
    return {
        "schemaVersion": "2.1.0",
        "defaultPipelineRoot": "gs://bucket/root",
        "pipelineInfo": {"name": "shelfsort"},
        "components": {task: {"executorLabel": f"{task}_executor"}},
        "deploymentSpec": {"executors": {f"{task}_executor": {"container": container}}},
        "root": {
            "inputDefinitions": {"parameters": {"manifest": {"defaultValue": "gs://bucket/m"}}},
            "dag": {"tasks": {task: {"componentRef": {"name": task}, "inputs": {}}}},
        },
    }


def found(tmp_path, spec, target="kubeflow", *others):
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump_all([spec, *others]))
    return lint(load_spec(str(path)), target)


def rules(*arguments):
    return [finding.rule for finding in found(*arguments)]


def changed(task="Trainer", **executor_or_task):
    spec = sound(task)
    executor = spec["deploymentSpec"]["executors"][f"{task}_executor"]
    for key, value in executor_or_task.items():
        target = spec["root"]["dag"]["tasks"][task] if key in ("triggerPolicy", "inputs") else None
        (executor["container"] if target is None else target)[key] = value
    return spec


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_a_sound_spec_has_no_findings(tmp_path, target):
    assert rules(tmp_path, sound(), target) == []


@pytest.mark.parametrize("version", ["2.0.0", "", None])
def test_spec_2_0_is_named_for_kubeflow_and_runs_on_vertex(tmp_path, version):
    spec = sound() | {"schemaVersion": version}
    assert rules(tmp_path, spec) == ["spec-version"]
    assert rules(tmp_path, spec, "vertex") == []


def test_a_resolver_is_named_with_its_line_and_remedy(tmp_path):
    spec = sound()
    spec["deploymentSpec"]["executors"]["Trainer_executor"] = {
        "resolver": {"outputArtifactQueries": {}}
    }
    (finding,) = found(tmp_path, spec)
    line = (tmp_path / "spec.yaml").read_text().splitlines()[finding.line - 1]
    assert (finding.rule, finding.task, line.strip()) == (
        "resolver",
        "Trainer",
        "Trainer_executor:",
    )
    assert "BaselineModel" in finding.remedy


def test_an_infra_validator_is_named(tmp_path):
    args = ["--executor_class_path", "tfx.components.infra_validator.executor.Executor"]
    assert rules(tmp_path, changed(args=args)) == ["infra-validator"]
    assert rules(tmp_path, sound("InfraValidator"), "vertex") == ["infra-validator"]


@pytest.mark.parametrize("name", ["module_file", "module_path"])
@pytest.mark.parametrize(
    "value", [{"constant": "/home/a/module.py"}, {"constantValue": {"stringValue": "m@x.whl"}}]
)
def test_a_user_module_that_becomes_a_wheel_is_named(tmp_path, name, value):
    inputs = {"parameters": {name: {"runtimeValue": value}}}
    assert rules(tmp_path, changed(inputs=inputs)) == ["module-file"]


def test_a_dotted_path_is_no_user_module(tmp_path):
    inputs = {"parameters": {"run_fn": {"runtimeValue": {"constant": "a.b.run_fn"}}}}
    assert rules(tmp_path, changed(inputs=inputs)) == []


def test_a_fingerprinting_driver_is_named_for_kubeflow_alone(tmp_path):
    spec = changed(lifecycle={"preCacheCheck": {"command": ["python"]}})
    assert rules(tmp_path, spec) == ["example-gen-fingerprint"]
    assert rules(tmp_path, spec, "vertex") == []


def test_a_condition_on_an_artifact_is_named_for_kubeflow_alone(tmp_path):
    condition = "(inputs.artifacts['blessing'].artifacts[0].metadata['blessed'] == 1.0)"
    spec = changed(triggerPolicy={"condition": condition})
    assert rules(tmp_path, spec) == ["condition-on-artifact"]
    assert rules(tmp_path, spec, "vertex") == []


def test_a_condition_on_a_parameter_runs(tmp_path):
    condition = "inputs.parameter_values['push'] == 'yes'"
    assert rules(tmp_path, changed(triggerPolicy={"condition": condition})) == []


@pytest.mark.parametrize("image", ["shelfsort", "shelfsort:1.2", "shelfsort@sha256:12"])
def test_an_image_by_tag_is_named(tmp_path, image):
    assert rules(tmp_path, changed(image=image)) == ["image-by-tag"]


def test_tfxs_entrypoint_is_named_for_kubeflow_alone(tmp_path):
    command = ["python", "-m", "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"]
    assert rules(tmp_path, changed(command=command)) == ["tfx-entrypoint"]
    assert rules(tmp_path, changed(command=command), "vertex") == []


@pytest.mark.parametrize("task", ["InputCheck", "Pusher"])
def test_a_cached_look_at_what_is_outside_the_pipeline_is_named(tmp_path, task):
    spec = sound(task)
    spec["root"]["dag"]["tasks"][task]["cachingOptions"] = {"enableCache": True}
    assert rules(tmp_path, spec) == ["stale-cache"]


def test_parameters_in_staged_stores_are_named(tmp_path):
    spec = changed(inputs={"parameters": {"a": {"runtimeValue": {"constant": "s3://b/k"}}}})
    spec["root"]["inputDefinitions"]["parameters"]["manifest"]["defaultValue"] = "minio://b/m"
    assert rules(tmp_path, spec) == ["staged-store", "staged-store"]


@pytest.mark.parametrize(
    ("root", "kubeflow", "vertex"),
    [
        ("minio://b/k", [], ["pipeline-root"]),
        ("/data/root", [], ["pipeline-root"]),
        ("root", ["pipeline-root"], ["pipeline-root"]),
        ("ftp://host/root", ["pipeline-root"], ["pipeline-root"]),
        ("", [], []),
    ],
)
def test_a_root_that_cannot_be_written_is_named(tmp_path, root, kubeflow, vertex):
    spec = sound() | {"defaultPipelineRoot": root}
    assert rules(tmp_path, spec) == kubeflow
    assert rules(tmp_path, spec, "vertex") == vertex


def test_kubernetes_settings_are_named_for_vertex(tmp_path):
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {}}}}}
    assert rules(tmp_path, sound(), "vertex", platform) == ["kubernetes-settings"]
    assert rules(tmp_path, sound(), "kubeflow", platform) == []


@pytest.mark.parametrize("executor", [{"customJob": {"x": 1}}, {}])
def test_an_executor_that_kubeflow_does_not_know_is_named(tmp_path, executor):
    spec = sound()
    spec["deploymentSpec"]["executors"]["Trainer_executor"] = executor
    assert rules(tmp_path, spec) == ["executor"]


def test_tasks_of_a_dag_within_the_dag_are_looked_at(tmp_path):
    spec = sound()
    inner = copy.deepcopy(spec["root"]["dag"])
    spec["components"]["tfx-dag"] = {"dag": inner}
    spec["root"]["dag"] = {"tasks": {"tfx-dag": {"componentRef": {"name": "tfx-dag"}}}}
    container = spec["deploymentSpec"]["executors"]["Trainer_executor"]["container"]
    container["image"] = "by:tag"
    assert rules(tmp_path, spec) == ["image-by-tag"]


def test_tfxs_json_form_is_read_with_its_root(tmp_path):
    spec = sound() | {"schemaVersion": "2.0.0"}
    del spec["defaultPipelineRoot"]
    job = {"pipelineSpec": spec, "runtimeConfig": {"gcsOutputDirectory": "relative"}}
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps(job, indent=1))
    findings = lint(load_spec(str(path)), "kubeflow")
    assert sorted(finding.rule for finding in findings) == ["pipeline-root", "spec-version"]
    line = next(finding.line for finding in findings if finding.rule == "spec-version")
    assert '"schemaVersion"' in path.read_text().splitlines()[line - 1]


@pytest.mark.parametrize("text", ["", "[]", "a: 1", "a: [", "\t", "root: {dag: {tasks: []}}"])
def test_a_file_that_is_no_spec_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"spec\.yaml.*\.") as refused:
        load_spec(str(path))
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_refused():
    with pytest.raises(InputError, match="cannot be read"):
        load_spec("missing.yaml")


def test_aliases_without_measure_are_refused(tmp_path):
    levels = ["a0: &a0 {k: v}"]
    levels += [f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}" for n in range(1, 60)]
    path = tmp_path / "spec.yaml"
    path.write_text("\n".join(levels) + "\n" + yaml.safe_dump(sound()))
    with pytest.raises(InputError, match=r"spec\.yaml:\d+: more than 500,000 values"):
        load_spec(str(path))


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(value, keys=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*keys, key)
            yield from places(inner, (*keys, key))


@given(st.sampled_from(list(places(sound()))), VALUES, st.sampled_from(["kubeflow", "vertex"]))
def test_whatever_stands_in_a_spec_there_are_findings_or_a_refusal(
    tmp_path_factory, keys, value, target
):
    spec = sound()
    inner = spec
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path = tmp_path_factory.getbasetemp() / "hostile.yaml"
    path.write_text(yaml.safe_dump(spec))
    try:
        for finding in lint(load_spec(str(path)), target):
            assert finding.line >= 1 and finding.remedy
    except InputError:
        pass
