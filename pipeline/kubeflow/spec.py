"""Reads a compiled pipeline spec, and knows in which line of the file everything stands."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.yaml import Document, Keys, read_documents


@dataclasses.dataclass(frozen=True)
class Task:
    """A task with what it refers to.

    Attributes:
        name: within its DAG.
        keys: where the task stands in the spec.
        task: its own mapping.
        component: what the task's `componentRef` names; {} where there is no such component.
        executor_keys: where the executor stands.
        executor: what the component's `executorLabel` names; {} for a DAG within the DAG.
    """

    name: str
    keys: Keys
    task: dict[str, Any]
    component: dict[str, Any]
    executor_keys: Keys
    executor: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Spec:
    """A compiled pipeline.

    Attributes:
        path: of the file.
        pipeline: the PipelineSpec.
        platform: the Kubernetes part of the PlatformSpec; {} where there is none.
        root: the default pipeline root; "" where there is none.
    """

    path: str
    pipeline: dict[str, Any]
    platform: dict[str, Any]
    root: str
    _lines: Mapping[Keys, int]

    def line(self, keys: Keys) -> int:
        """The line of the innermost of `keys` that is there."""
        while keys and keys not in self._lines:
            keys = keys[:-1]
        return self._lines.get(keys, 1)

    def parameters(self) -> dict[str, dict[str, Any]]:
        """The run's parameters by name."""
        return section(self.pipeline, "root", "inputDefinitions", "parameters")

    def tasks(self) -> Iterator[Task]:
        """Every task, those of DAGs within the DAG included."""
        yield from self._tasks(("root",), section(self.pipeline, "root"))
        for name, component in section(self.pipeline, "components").items():
            if isinstance(component, dict):
                yield from self._tasks(("components", name), component)

    def _tasks(self, keys: Keys, component: dict[str, Any]) -> Iterator[Task]:
        for name, task in section(component, "dag", "tasks").items():
            if not isinstance(task, dict):
                raise InputError(
                    f"{self.path}:{self.line((*keys, 'dag', 'tasks', name))}: task {name} is no "
                    "mapping. Compile the pipeline again."
                )
            reference = str(section(task, "componentRef").get("name", ""))
            referred = section(self.pipeline, "components", reference)
            label = str(referred.get("executorLabel", ""))
            executor_keys = ("deploymentSpec", "executors", label)
            executor = section(self.pipeline, *executor_keys)
            task_keys = (*keys, "dag", "tasks", name)
            yield Task(name, task_keys, task, referred, executor_keys, executor)


def load_spec(path: str) -> Spec:
    """Reads a compiled pipeline: YAML, with or without a platform spec, or TFX's JSON.

    Raises:
        InputError: it cannot be read, or is no pipeline spec.
    """
    documents = read_documents(path, "Compile the pipeline again.")
    first, *others = [each for each in documents if isinstance(each.value, dict)] or [Document({})]
    job_keys: Keys = ("pipelineSpec",) if "pipelineSpec" in first.value else ()
    pipeline = section(first.value, *job_keys)
    if not section(pipeline, "root", "dag", "tasks"):
        raise InputError(f"{path}: is no pipeline spec: it has no tasks. Name a compiled spec.")
    lines = {
        keys[len(job_keys) :]: line
        for keys, line in first.lines.items()
        if keys[: len(job_keys)] == job_keys
    }
    platform = section(others[0].value, "platforms", "kubernetes") if others else {}
    given = section(first.value, "runtimeConfig").get("gcsOutputDirectory")
    root = pipeline.get("defaultPipelineRoot") or given or ""
    return Spec(path, pipeline, platform, str(root), lines)


def section(mapping: Any, *keys: str) -> dict[str, Any]:
    """The mapping at `keys`; {} where there is none."""
    for key in keys:
        mapping = mapping.get(key) if isinstance(mapping, dict) else None
    return mapping if isinstance(mapping, dict) else {}
