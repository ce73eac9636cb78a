"""Names what a backend cannot run in a pipeline spec, each with what to do about it."""

import dataclasses
import re
from collections.abc import Callable, Iterator

from pipeline.kubeflow import input_check_task
from pipeline.kubeflow.spec import Keys, Spec, Task, section
from pipeline.locations import STAGED_SCHEMES, location_problem
from shelfsort.core.storage import scheme

STOCK_ENTRYPOINT = "kubeflow_v2_run_executor"
DAILY_STEPS = ("decide", "monitor", "retrain", "prune")
"""Steps of the daily batch; see `daily`."""
NEVER_CACHED = (input_check_task.NAME, "Pusher", *DAILY_STEPS)
"""What there is to read and what is live change outside the pipeline: no cache can know."""
_INFRA_VALIDATOR = "tfx.components.infra_validator."
_USER_MODULES = ("module_file", "module_path")
_BY_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_ON_ARTIFACT = re.compile(r"\binputs\.artifacts\b")


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    """Something that the backend cannot run.

    Attributes:
        line: of the file.
        rule: its name.
        task: "" where the whole pipeline is meant.
        what: says what is wrong and why.
        remedy: says what to do.
    """

    line: int
    rule: str
    task: str
    what: str
    remedy: str

    def __str__(self) -> str:
        task = f"task {self.task}: " if self.task else ""
        return f"{task}{self.what}. {self.remedy} [{self.rule}]"


def lint(spec: Spec, target: str) -> list[Finding]:
    """What `target` (`kubeflow` or `vertex`) cannot run, in the order of the file."""
    findings = [*_pipeline_findings(spec, target)]
    for task in spec.tasks():
        for rule in (*_EVERYWHERE, *(_KUBEFLOW_ONLY if target == "kubeflow" else ())):
            findings += rule(spec, task)
    return sorted(findings)


def _pipeline_findings(spec: Spec, target: str) -> Iterator[Finding]:
    version = str(spec.pipeline.get("schemaVersion", ""))
    if target == "kubeflow" and not version.startswith("2.1"):
        yield Finding(
            spec.line(("schemaVersion",)),
            "spec-version",
            "",
            f"pipeline spec {version or 'without a version'}: open-source Kubeflow takes 2.1 only",
            "Compile with use_pipeline_spec_2_1=True, as `shelfsort compile` does.",
        )
    if target == "vertex" and spec.platform:
        yield Finding(
            1,
            "kubernetes-settings",
            "",
            "a second document sets volumes or node selectors, which Vertex AI has not",
            "Compile with --target vertex.",
        )
    yield from _root_findings(spec, target)
    for name, definition in spec.parameters().items():
        value = definition.get("defaultValue") if isinstance(definition, dict) else None
        if isinstance(value, str):
            keys = ("root", "inputDefinitions", "parameters", name)
            yield from _unreadable(spec, "", keys, f"parameter {name}", value)


def _root_findings(spec: Spec, target: str) -> Iterator[Finding]:
    if not spec.root or (target == "kubeflow" and scheme(spec.root) in STAGED_SCHEMES):
        return
    if problem := location_problem(spec.root, target, mounts=None):
        what, _, remedy = problem.partition(". ")
        keys = ("defaultPipelineRoot",)
        yield Finding(spec.line(keys), "pipeline-root", "", f"pipeline root: {what}", remedy)


def _resolver(spec: Spec, task: Task) -> Iterator[Finding]:
    if "resolver" in task.executor:
        yield Finding(
            spec.line(task.executor_keys),
            "resolver",
            task.name,
            "a Resolver: Kubeflow's driver does not implement it",
            "Use BaselineModel, given the live version by InputCheck.",
        )


def _other_executor(spec: Spec, task: Task) -> Iterator[Finding]:
    kinds = set(task.executor) - {"container", "importer", "resolver"}
    if kinds or not (task.executor or "dag" in task.component):
        kind = ", ".join(sorted(kinds)) or "none"
        yield Finding(
            spec.line(task.executor_keys if kinds else task.keys),
            "executor",
            task.name,
            f"executor of kind {kind}: Kubeflow runs containers and importers",
            "Give the component a container.",
        )


def _infra_validator(spec: Spec, task: Task) -> Iterator[Finding]:
    args = " ".join(_container_words(task))
    reference = str(section(task.task, "componentRef").get("name", ""))
    if _INFRA_VALIDATOR in args or reference.split("-")[-1] == "InfraValidator":
        yield Finding(
            spec.line(task.executor_keys),
            "infra-validator",
            task.name,
            "TFX's InfraValidator starts a server of its own and has no container here",
            "Use ServingCheck, which loads the model in a fresh process.",
        )


def _user_module(spec: Spec, task: Task) -> Iterator[Finding]:
    parameters = section(task.task, "inputs", "parameters")
    for name in _USER_MODULES:
        value = _constant(parameters.get(name))
        if value:
            yield Finding(
                spec.line((*task.keys, "inputs", "parameters", name)),
                "module-file",
                task.name,
                f"{name} is {value!r}: built into a wheel on the machine that compiled, and "
                "unknown to the cache",
                "Name the function by its dotted path (run_fn=, preprocessing_fn=) and install "
                "the package in the image.",
            )


def _driver_hook(spec: Spec, task: Task) -> Iterator[Finding]:
    if section(task.executor, "container", "lifecycle").get("preCacheCheck"):
        yield Finding(
            spec.line((*task.executor_keys, "container", "lifecycle")),
            "example-gen-fingerprint",
            task.name,
            "a file-based ExampleGen: Kubeflow does not run preCacheCheck, so changed files under "
            "the same path are served from the cache",
            "Use ManifestExampleGen, whose content digest is an execution property.",
        )


def _condition(spec: Spec, task: Task) -> Iterator[Finding]:
    condition = str(section(task.task, "triggerPolicy").get("condition", ""))
    if _ON_ARTIFACT.search(condition):
        yield Finding(
            spec.line((*task.keys, "triggerPolicy")),
            "condition-on-artifact",
            task.name,
            "a condition on an artifact's property: Kubeflow's conditions take parameters only",
            "Let the component read the artifact and decide, as Pusher does.",
        )


def _image(spec: Spec, task: Task) -> Iterator[Finding]:
    image = section(task.executor, "container").get("image")
    if image is not None and not _BY_DIGEST.search(str(image)):
        yield Finding(
            spec.line((*task.executor_keys, "container", "image")),
            "image-by-tag",
            task.name,
            f"image {image!r} is not named by digest: another image under the same name would be "
            "answered for by the cache",
            "Give NAME@sha256:DIGEST.",
        )


def _entrypoint(spec: Spec, task: Task) -> Iterator[Finding]:
    if any(STOCK_ENTRYPOINT in word for word in _container_words(task)):
        yield Finding(
            spec.line((*task.executor_keys, "container", "command")),
            "tfx-entrypoint",
            task.name,
            "TFX's entrypoint fails on the untyped inputs that Kubeflow's driver sends "
            "(tfx issue 7768)",
            "Compile with `shelfsort compile`, whose entrypoint takes them.",
        )


def _stale_cache(spec: Spec, task: Task) -> Iterator[Finding]:
    if task.name in NEVER_CACHED and section(task.task, "cachingOptions").get("enableCache"):
        yield Finding(
            spec.line((*task.keys, "cachingOptions")),
            "stale-cache",
            task.name,
            "is cached, and what it looks at changes outside the pipeline",
            "Switch its caching off.",
        )


def _locations(spec: Spec, task: Task) -> Iterator[Finding]:
    for name, given in section(task.task, "inputs", "parameters").items():
        value = _constant(given)
        keys = (*task.keys, "inputs", "parameters", name)
        yield from _unreadable(spec, task.name, keys, name, value)


def _unreadable(spec: Spec, task: str, keys: Keys, name: str, value: str) -> Iterator[Finding]:
    if scheme(value) in STAGED_SCHEMES:
        yield Finding(
            spec.line(keys),
            "staged-store",
            task,
            f"{name} is {value!r}: the launcher stages artifacts of such stores, not parameters, "
            "and TFX cannot open them",
            "Give a path on a volume or a gs:// address.",
        )


def _constant(parameter: object) -> str:
    """A text that is given at compile time; "" for all else."""
    value = section(parameter, "runtimeValue")
    constant = value.get("constant", section(value, "constantValue").get("stringValue"))
    return constant if isinstance(constant, str) else ""


def _container_words(task: Task) -> list[str]:
    container = section(task.executor, "container")
    words = (container.get(key) for key in ("command", "args"))
    return [str(word) for each in words if isinstance(each, list) for word in each]


Rule = Callable[[Spec, Task], Iterator[Finding]]
_EVERYWHERE: tuple[Rule, ...] = (
    _infra_validator,
    _user_module,
    _image,
    _stale_cache,
    _locations,
)
_KUBEFLOW_ONLY: tuple[Rule, ...] = (
    _resolver,
    _other_executor,
    _driver_hook,
    _condition,
    _entrypoint,
)
