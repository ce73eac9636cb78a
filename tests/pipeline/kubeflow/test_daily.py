"""The daily batch for Kubeflow: valid, never cached, without secrets, with today's options."""

import pytest
import yaml
from click.testing import CliRunner
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.cli.daily import compile_daily_spec
from pipeline.kubeflow.lint import lint
from pipeline.kubeflow.spec import load_spec
from shelfsort.core.errors import InputError
from tests.test_examples_schedule import refuse_unknown_options

IMAGE = f"registry.example/shelfsort@sha256:{'5e' * 32}"
PLACES = {
    "--image": IMAGE,
    "--data": "/data/new/*.manifest",
    "--rules": "/data/rules.yaml",
    "--database": "postgresql://shop@db/decisions",
    "--address": "models:8500",
    "--promise": "0.98",
    "--volume": "shelfsort-data=/data",
}
TRAINING = {"--inbox": "/data/labels", "--output": "/data/out"}
WHOLE = {"--page": "/data/days.html", "--reference-from": "2026-11-02", "--keep-days": "400"}


@pytest.fixture
def compiled(tmp_path):
    """Compiles and returns the documents of the file."""

    def compile_with(*more, **changed):
        file = tmp_path / "daily.yaml"
        given = {**PLACES, **{f"--{name}": value for name, value in changed.items()}}
        options = [word for pair in given.items() for word in pair]
        done = CliRunner().invoke(compile_daily_spec, [*options, *more, "--to", str(file)])
        if done.exception is not None:
            raise done.exception
        assert lint(load_spec(str(file)), "kubeflow") == []
        return list(yaml.safe_load_all(file.read_text()))

    return compile_with


def with_everything(compiled):
    return compiled(*(word for pair in (TRAINING | WHOLE).items() for word in pair))


def test_steps_follow_each_other_are_never_cached_and_take_their_options(compiled):
    spec = with_everything(compiled)[0]
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    tasks = spec["root"]["dag"]["tasks"]
    order = {name: task["dependentTasks"] for name, task in tasks.items()}
    before = {"decide": [], "monitor": ["decide"], "retrain": ["monitor"], "prune": ["retrain"]}
    assert order == before
    assert [task["cachingOptions"] for task in tasks.values()] == [{}, {}, {}, {}]
    defaults = {
        name: each["defaultValue"]
        for name, each in spec["root"]["inputDefinitions"]["parameters"].items()
    }
    for name, task in tasks.items():
        container = spec["deploymentSpec"]["executors"][f"exec-{name}"]["container"]
        inputs = spec["components"][name]["inputDefinitions"]["parameters"]
        assert inputs.keys() == task["inputs"]["parameters"].keys()
        words = container["args"]
        for each in inputs:
            words = [
                word.replace(f"{{{{$.inputs.parameters['{each}']}}}}", defaults[each])
                for word in words
            ]
        assert container["command"] == ["shelfsort"] and "$" not in " ".join(words)
        refuse_unknown_options(words)


def test_training_and_forgetting_follow_a_broken_promise_too(compiled):
    tasks = with_everything(compiled)[0]["root"]["dag"]["tasks"]
    for name in ("retrain", "prune"):
        assert tasks[name]["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert "triggerPolicy" not in tasks["monitor"]


def test_without_an_inbox_or_an_age_nothing_is_trained_or_forgotten(compiled):
    assert set(compiled()[0]["root"]["dag"]["tasks"]) == {"decide", "monitor"}


def test_secrets_and_volumes_are_for_every_step(compiled):
    _, platform = compiled("--secret", "PGPASSWORD=decisions-db:password")
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(executors) == {"exec-decide", "exec-monitor"}
    key = {"secretKey": "password", "envVar": "PGPASSWORD"}
    assert executors["exec-decide"] == {
        "pvcMount": [{"constant": "shelfsort-data", "mountPath": "/data"}],
        "secretAsEnv": [{"secretName": "decisions-db", "keyToEnv": [key]}],
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"database": "postgresql://shop:s3cret@db/decisions"}, "--database"),
        ({"database": "postgresql://db/d?password=s3cret"}, "--database"),
        ({"database": "/elsewhere/d.db"}, "--database"),
        ({"rules": "rules.yaml"}, "--rules"),
        ({"data": "/other/new.manifest"}, "--data"),
        ({"inbox": "/data/labels"}, "--output"),
        ({"page": "days.html"}, "--page"),
        ({"secret": "PGPASSWORD=s3cret"}, "--secret"),
        ({"volume": "/data"}, "--volume"),
        ({"image": "shelfsort:latest"}, "--image"),
    ],
)
def test_what_cannot_run_is_refused_without_repeating_a_secret(compiled, changed, said):
    with pytest.raises(InputError) as refused:
        compiled(**changed)
    assert said in str(refused.value) and "s3cret" not in str(refused.value)
