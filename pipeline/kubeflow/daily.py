"""The daily batch as a pipeline: decide about what is new, watch it, train again, forget.

Each step is one of the library's commands in a container. No step is cached: what it reads changes
outside the pipeline.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.lint import DAILY_STEPS
from pipeline.locations import location_problem
from shelfsort.core.database.engine import has_password
from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_remote

NAME = "shelfsort-daily"
DECIDE, MONITOR, RETRAIN, PRUNE = DAILY_STEPS
_PLACES = ("data", "rules", "inbox", "taxonomy", "output", "page", "metrics")
_MAX_RETRIES = 2


@dataclasses.dataclass(frozen=True)
class Daily:
    """What is to be done every day. Places are as the steps see them.

    Attributes:
        image: of every step, by digest.
        data: products: file, folder or pattern.
        rules: file of rules.
        database: of results: SQLite file on a volume, or postgresql://… without a password.
        address: of the model server, HOST:PORT.
        promise: share that is promised to be right, between 0 and 1.
        audit_rate: share of automatic decisions that people look at, 0 to 1.
        inbox: folder of labelled manifests; "" trains nothing.
        taxonomy: category tree of the training; "" builds it from the labels.
        output: folder that takes the runs.
        min_new: new labels that start a run.
        page, metrics: files that show the days; "" for none.
        reference_from: first day of a new reference of drift, YYYY-MM-DD; "" for the model's first.
        keep_days: age in days at which decisions are forgotten; 0 forgets none.
        volumes: folder in the containers by the name of the claim.
        secrets: (secret, key) by the environment variable that is filled from it.
    """

    image: str
    data: str
    rules: str
    database: str
    address: str
    promise: float
    audit_rate: float
    inbox: str = ""
    taxonomy: str = ""
    output: str = ""
    min_new: int = 500
    page: str = ""
    metrics: str = ""
    reference_from: str = ""
    keep_days: int = 0
    volumes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    secrets: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if has_password(self.database):
            raise InputError(
                "--database: holds a password, which everybody could read in the spec. Leave it "
                "out, and give --secret PGPASSWORD=SECRET:KEY."
            )
        if bool(self.inbox) != bool(self.output):
            raise InputError("--inbox and --output go together. Give both, or none.")
        sqlite = "" if is_remote(self.database) else self.database
        places = {name: getattr(self, name) for name in _PLACES} | {"database": sqlite}
        for option, place in places.items():
            if place and (problem := location_problem(place, "kubeflow", self.volumes.values())):
                what, _, _ = problem.partition(". ")
                raise InputError(
                    f"--{option}: {what}. Give a place on a volume (--volume CLAIM=FOLDER), or a "
                    "gs:// address."
                )


def compile_daily(daily: Daily) -> str:
    """The pipeline spec as YAML: the same bytes for the same arguments.

    A second document holds the volumes and secrets, which only Kubernetes knows.
    """
    steps = _steps(daily)
    spec = _spec(daily, steps)
    # Kubeflow refuses a field that it does not know.
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    documents = [spec]
    if settings := _kubernetes(daily):
        executors = {f"exec-{name}": settings for name in steps}
        deployment = {"deploymentSpec": {"executors": executors}}
        documents.append({"platforms": {"kubernetes": deployment}})
    return "# Shelfsort's daily batch, for Kubeflow Pipelines.\n" + yaml.safe_dump_all(
        documents, sort_keys=True, width=100, allow_unicode=True
    )


def _steps(daily: Daily) -> dict[str, list[str]]:
    """The command of each step; {name} stands for a parameter of the run."""
    decide = ["batch", "--data", "{data}", "--rules", "{rules}", "--database", "{database}"]
    decide += ["--address", "{address}", "--audit-rate", "{audit_rate}", "--if-any", "--json"]
    monitor = ["monitor", "--database", "{database}", "--promise", "{promise}", "--back-off"]
    monitor += ["--page", "{page}", "--metrics", "{metrics}"]
    # An empty one would be no day.
    monitor += ["--reference-from", "{reference_from}"] if daily.reference_from else []
    steps = {DECIDE: decide, MONITOR: monitor}
    if daily.inbox:
        retrain = ["retrain", "--inbox", "{inbox}", "--taxonomy", "{taxonomy}"]
        retrain += ["--output", "{output}", "--database", "{database}", "--min-new", "{min_new}"]
        steps[RETRAIN] = [*retrain, "--json"]
    if daily.keep_days:
        prune = ["database", "prune", "--decisions", "{database}", "--older-than", "{keep_days}"]
        steps[PRUNE] = prune
    return steps


def _spec(daily: Daily, steps: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    parameters = {name: str(getattr(daily, name)) for name in _named(*steps.values())}
    tasks: dict[str, Any] = {}
    for name, words in steps.items():
        own = _named(words)
        tasks[name] = {
            "taskInfo": {"name": name},
            "componentRef": {"name": name},
            "cachingOptions": {},
            "inputs": {"parameters": {each: {"componentInputParameter": each} for each in own}},
            "dependentTasks": list(tasks)[-1:],
            "retryPolicy": {"maxRetryCount": _MAX_RETRIES if name == DECIDE else 0},
        }
    for name in tasks.keys() & {RETRAIN, PRUNE}:
        # A broken promise fails its step, and is a reason to train.
        tasks[name]["triggerPolicy"] = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    return {
        "schemaVersion": "2.1.0",
        "sdkVersion": "shelfsort",
        "pipelineInfo": {"name": NAME},
        "components": {
            name: {
                "executorLabel": f"exec-{name}",
                "inputDefinitions": {
                    "parameters": {each: {"parameterType": "STRING"} for each in _named(words)}
                },
            }
            for name, words in steps.items()
        },
        "deploymentSpec": {
            "executors": {
                f"exec-{name}": {"container": _container(daily.image, words)}
                for name, words in steps.items()
            }
        },
        "root": {
            "inputDefinitions": {
                "parameters": {
                    name: {"parameterType": "STRING", "defaultValue": value, "isOptional": True}
                    for name, value in parameters.items()
                }
            },
            "dag": {"tasks": tasks},
        },
    }


def _named(*commands: Sequence[str]) -> list[str]:
    words = (word[1:-1] for command in commands for word in command if word.startswith("{"))
    return sorted(set(words))


def _container(image: str, words: Sequence[str]) -> dict[str, Any]:
    args = [
        f"{{{{$.inputs.parameters['{word[1:-1]}']}}}}" if word.startswith("{") else word
        for word in words
    ]
    return {"image": image, "command": ["shelfsort"], "args": args}


def _kubernetes(daily: Daily) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if daily.volumes:
        settings["pvcMount"] = [
            {"constant": claim, "mountPath": folder}
            for claim, folder in sorted(daily.volumes.items())
        ]
    if daily.secrets:
        settings["secretAsEnv"] = [
            {"secretName": secret, "keyToEnv": [{"secretKey": key, "envVar": variable}]}
            for variable, (secret, key) in sorted(daily.secrets.items())
        ]
    return settings
