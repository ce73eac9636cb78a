"""InputCheck's place in a compiled pipeline: a container task that TFX knows nothing of.

TFX's components cannot hand each other parameters on Kubeflow, and Kubeflow's cache goes by a
task's parameters: what only shows when a run begins has to come from a task of its own.
"""

from collections.abc import Mapping
from typing import Any

NAME = "InputCheck"
INGESTION = "ManifestExampleGen"
ANSWERS = (
    "content_digest",
    "spans",
    "live_version",
    "start_digest",
    "serving_logs_digest",
    "weights_digest",
)
"""Its output parameters, all text. As the compiler's run parameters they stand for themselves:
whatever takes one of that name takes InputCheck's answer."""

_COMMAND = ("python", "-m", "pipeline.kubeflow.input_check")
_OF_INGESTION = ("manifest", "taxonomy_file", "data", "content_digest", "spans")
_TEXT = {"parameterType": "STRING"}


def add_input_check(spec: dict[str, Any], image: str, serving_logs: str, training: str) -> None:
    """Puts InputCheck before whatever takes one of its answers.

    Its own parameters are ingestion's, so that both see the same; `content_digest` and `spans`,
    where the run is given them, spare it the reading.

    Args:
        spec: a compiled pipeline whose run parameters name the answers; changed in place.
        image: by digest.
        serving_logs: pattern of the files; "" for none.
        training: settings of the section, as JSON, where they name weights files; else "".
    """
    tasks, executor = spec["root"]["dag"]["tasks"], f"{NAME}_executor"
    settings = {"serving_logs": serving_logs, "training": training}
    definitions, values = _parameters(spec, settings)
    for task in tasks.values():
        _take_answers(task)
    tasks[NAME] = {
        "taskInfo": {"name": NAME},
        "componentRef": {"name": NAME},
        "inputs": {"parameters": values},
    }
    spec["components"][NAME] = {
        "executorLabel": executor,
        "inputDefinitions": {"parameters": definitions},
        "outputDefinitions": {"parameters": {name: dict(_TEXT) for name in ANSWERS}},
    }
    container = {"image": image, "command": list(_COMMAND), "args": ["--executor_input", "{{$}}"]}
    spec["deploymentSpec"]["executors"][executor] = {"container": container}
    run_parameters = spec["root"]["inputDefinitions"]["parameters"]
    for name in set(ANSWERS) - values.keys():
        run_parameters.pop(name, None)


def _parameters(
    spec: Mapping[str, Any], settings: Mapping[str, str]
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Definitions and values of InputCheck's parameters."""
    known = spec["components"][INGESTION]["inputDefinitions"]["parameters"]
    given = spec["root"]["dag"]["tasks"][INGESTION]["inputs"]["parameters"]
    names = [name for name in _OF_INGESTION if name in given]
    definitions = {name: dict(known[name]) for name in names}
    values = {name: dict(given[name]) for name in names}
    values["serving_dir"] = {"componentInputParameter": "serving_dir"}
    values |= {name: {"runtimeValue": {"constant": text}} for name, text in settings.items()}
    return definitions | {name: dict(_TEXT) for name in ("serving_dir", *settings)}, values


def _take_answers(task: dict[str, Any]) -> None:
    parameters = task.get("inputs", {}).get("parameters", {})
    taken = {
        name: given["componentInputParameter"]
        for name, given in parameters.items()
        if given.get("componentInputParameter") in ANSWERS
    }
    for name, answer in taken.items():
        source = {"producerTask": NAME, "outputParameterKey": answer}
        parameters[name] = {"taskOutputParameter": source}
    if taken:
        task["dependentTasks"] = sorted({*task.get("dependentTasks", ()), NAME})
