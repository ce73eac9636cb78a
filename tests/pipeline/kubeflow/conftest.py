"""Runs a compiled spec without a cluster: each task's command has a process of its own.

What a task is handed follows Kubeflow's driver and launcher (or Vertex AI's, where that is asked
for): the ExecutorInput as protojson, outputs beneath `<root>/<pipeline>/<run>/<task>/<salt>/`,
inputs with an empty schema, staged stores copied to and from local folders, output parameters read
from files. So does the cache: a task whose image, command and inputs are those of an earlier run's
hands out that one's outputs.
"""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.fixtures.warm_python import WARM

IMAGE = f"registry.example/shelfsort@sha256:{'5e' * 32}"
STAGED = ("minio", "s3")
CLEAN_ENVIRONMENT = ("HOME", "LANG", "PYTHONPATH", "TMPDIR")


@dataclasses.dataclass
class TaskResult:
    """How a task ended.

    Attributes:
        status: its process's exit status.
        log: what it wrote.
        outputs: by key, the artifact as the metadata store would keep it.
        parameters: its output parameters, all text.
        cached: whether an earlier run's process did the work.
    """

    status: int
    log: str
    outputs: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    cached: bool = False


class Launcher:
    """Stands in for Kubeflow's driver and launcher.

    Args:
        spec: the first document of a compiled YAML file.
        root: the run's pipeline root, a folder or an address in a staged store.
        sandbox: folder for what a cluster keeps elsewhere: stores, containers' file systems.
        vertex: sends what Vertex AI sends: typed inputs, no added metadata, an output file
            beneath the root.
        parameters: of the run; the others take their defaults.
        cache: what earlier runs did, by fingerprint; shared by the runs that are given it.
        cold: starts a Python for each task, as a cluster does, where a fork of one would do.
    """

    # As the metadata store's: no two artifacts of any runs have one id.
    _ids = count(1)

    def __init__(
        self,
        spec: dict[str, Any],
        root: str,
        sandbox: Path,
        *,
        vertex: bool = False,
        parameters: dict[str, Any] | None = None,
        cache: dict[str, TaskResult] | None = None,
        cold: bool = False,
    ):
        self.spec, self.root, self.sandbox = spec, root, sandbox
        self.vertex, self.cold = vertex, cold
        self.tasks = spec["root"]["dag"]["tasks"]
        definitions = spec["root"]["inputDefinitions"]["parameters"]
        self.parameters = {name: each["defaultValue"] for name, each in definitions.items()}
        self.parameters.update(parameters or {})
        self.cache = {} if cache is None else cache
        self.results: dict[str, TaskResult] = {}

    def run(self, *only: str, at_once: int = 2) -> dict[str, TaskResult]:
        """Runs the tasks (all of them without `only`), each when what it depends on has ended well.

        A failed task stops those behind it, as it does on a cluster.
        """
        wanted = set(only or self.tasks)
        with ThreadPoolExecutor(at_once) as pool:
            running: dict[Any, str] = {}
            while True:
                for name in self._ready(wanted - set(running.values())):
                    running[pool.submit(self._run_task, name)] = name
                if not running:
                    return self.results
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    self.results[running.pop(done)] = done.result()

    def ran(self) -> set[str]:
        """Tasks that no earlier run answered for."""
        return {name for name, each in self.results.items() if not each.cached}

    def local(self, artifact: dict[str, Any]) -> Path:
        """Where an artifact's files lie once the run is over."""
        return self._stored(artifact["uri"])

    def output(self, task: str, key: str) -> Path:
        return self.local(self.results[task].outputs[key])

    def _ready(self, wanted: set[str]) -> list[str]:
        def ended_well(name: str) -> bool:
            return name in self.results and self.results[name].status == 0

        return [
            name
            for name in sorted(wanted - set(self.results))
            if all(map(ended_well, self.tasks[name].get("dependentTasks", [])))
        ]

    def _run_task(self, name: str) -> TaskResult:
        container = self.sandbox / "containers" / f"{name}-{next(self._ids)}"
        container.mkdir(parents=True)
        executor_input = self._executor_input(name, container)
        fingerprint = self._fingerprint(name, executor_input)
        if self.tasks[name]["cachingOptions"].get("enableCache") and fingerprint in self.cache:
            return dataclasses.replace(self.cache[fingerprint], cached=True)
        result = self._start(name, executor_input, container)
        if result.status == 0:
            self.cache[fingerprint] = result
        return result

    def _start(self, name: str, executor_input: dict[str, Any], container: Path) -> TaskResult:
        self._download(executor_input, container)
        log = container / "log"
        status = self._execute(self._command(name, executor_input), container, log)
        said = log.read_text(errors="replace")
        self._upload(executor_input, container)
        if status:
            return TaskResult(status, said)
        parameters = {
            key: Path(each["outputFile"]).read_text()
            for key, each in executor_input["outputs"].get("parameters", {}).items()
        }
        return TaskResult(0, said, self._outputs(executor_input), parameters)

    def _execute(self, command: list[str], container: Path, log: Path) -> int:
        environment = self._environment(container)
        if command[:2] == ["python", "-m"] and not self.cold:
            module, *arguments = command[2:]
            return WARM.run(
                module, arguments, folder=container, environment=environment, output=log
            )
        with log.open("wb") as output:
            return subprocess.run(
                command, cwd=container, env=environment, stdout=output, stderr=output, check=False
            ).returncode

    def _fingerprint(self, name: str, executor_input: dict[str, Any]) -> str:
        """What Kubeflow's cache goes by: image, command, parameters, names of input artifacts."""
        inputs = executor_input.get("inputs", {})
        key = {
            "container": self._container(name),
            "parameters": inputs.get("parameterValues", {}),
            "artifacts": {
                key: [artifact["name"] for artifact in each["artifacts"]]
                for key, each in inputs.get("artifacts", {}).items()
            },
            "outputs": self.spec["components"][name]["outputDefinitions"],
        }
        return json.dumps(key, sort_keys=True)

    def _executor_input(self, name: str, container: Path) -> dict[str, Any]:
        task, component = self.tasks[name], self.spec["components"][name]
        salt = f"{next(self._ids):08x}"
        task_root = f"{self.root}/{self.spec['pipelineInfo']['name']}/run-1/{name}/{salt}"
        inputs = task.get("inputs", {})
        definitions = component.get("outputDefinitions", {})
        produced = definitions.get("artifacts", {})
        message = {
            "inputs": {
                "parameterValues": {
                    key: self._parameter(value)
                    for key, value in inputs.get("parameters", {}).items()
                },
                "artifacts": {
                    key: {"artifacts": [self._input_artifact(value["taskOutputArtifact"])]}
                    for key, value in inputs.get("artifacts", {}).items()
                },
            },
            "outputs": {
                "artifacts": {
                    key: {
                        "artifacts": [
                            {
                                "name": self._output_name(key),
                                "uri": f"{task_root}/{key}",
                                "type": each["artifactType"],
                                "metadata": each.get("metadata", {}),
                            }
                        ]
                    }
                    for key, each in produced.items()
                },
                "parameters": {
                    key: {"outputFile": f"{container}/tmp/kfp/outputs/{key}"}
                    for key in definitions.get("parameters", {})
                },
                "outputFile": self._output_file(task_root, container),
            },
        }
        # Through the message, as the launcher's own: nothing gets by that it could not have sent.
        parsed = json_format.ParseDict(message, pipeline_spec_pb2.ExecutorInput())
        return json.loads(json_format.MessageToJson(parsed))

    def _output_name(self, key: str) -> str:
        if self.vertex:
            return f"projects/1/locations/x/metadataStores/default/artifacts/{next(self._ids)}"
        return key

    def _output_file(self, task_root: str, container: Path) -> str:
        if self.vertex:
            return f"{task_root}/executor_output.json"
        if task_root.startswith(tuple(f"{store}://" for store in STAGED)):
            return f"{self._staged(task_root, container)}/output_metadata.json"
        return f"{container}/tmp/kfp_outputs/output_metadata.json"

    def _parameter(self, value: dict[str, Any]) -> Any:
        if "componentInputParameter" in value:
            return self.parameters[value["componentInputParameter"]]
        if source := value.get("taskOutputParameter"):
            producer = self.results[source["producerTask"]]
            return producer.parameters[source["outputParameterKey"]]
        return value["runtimeValue"]["constant"]

    def _input_artifact(self, source: dict[str, str]) -> dict[str, Any]:
        stored = self.results[source["producerTask"]].outputs[source["outputArtifactKey"]]
        if self.vertex:
            return stored
        return {
            **stored,
            "type": {"instanceSchema": ""},
            "metadata": {
                **stored.get("metadata", {}),
                "display_name": source["outputArtifactKey"],
                "store_session_info": json.dumps({"Provider": "minio", "Params": {}}),
            },
        }

    def _container(self, name: str) -> dict[str, Any]:
        label = self.spec["components"][name]["executorLabel"]
        return self.spec["deploymentSpec"]["executors"][label]["container"]

    def _command(self, name: str, executor_input: dict[str, Any]) -> list[str]:
        container = self._container(name)
        text = json.dumps(executor_input)
        return [part.replace("{{$}}", text) for part in container["command"] + container["args"]]

    def _environment(self, container: Path) -> dict[str, str]:
        kept = {name: os.environ[name] for name in CLEAN_ENVIRONMENT if name in os.environ}
        return {
            **kept,
            # The image's Python is the environment that has the project installed.
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "SHELFSORT_STAGING_ROOT": str(container),
        }

    def _staged(self, uri: str, container: Path) -> Path:
        return container / uri.replace("://", "/", 1)

    def _stored(self, uri: str) -> Path:
        """The files behind an address: the store stands in a folder of the sandbox."""
        if "://" in uri:
            return self.sandbox / "stores" / uri.replace("://", "/", 1)
        return Path(uri)

    def _download(self, executor_input: dict[str, Any], container: Path) -> None:
        for each in executor_input.get("inputs", {}).get("artifacts", {}).values():
            uri = each["artifacts"][0]["uri"]
            if "://" in uri and self._stored(uri).exists():
                shutil.copytree(self._stored(uri), self._staged(uri, container))
        for each in executor_input["outputs"].get("artifacts", {}).values():
            uri = each["artifacts"][0]["uri"]
            if "://" in uri:
                self._staged(uri, container).parent.mkdir(parents=True, exist_ok=True)

    def _upload(self, executor_input: dict[str, Any], container: Path) -> None:
        for each in executor_input["outputs"].get("artifacts", {}).values():
            uri = each["artifacts"][0]["uri"]
            if "://" in uri and self._staged(uri, container).exists():
                shutil.copytree(self._staged(uri, container), self._stored(uri))

    def _outputs(self, executor_input: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Output artifacts, with the address and the metadata that the output file gives them."""
        file = Path(executor_input["outputs"]["outputFile"])
        written = json.loads(file.read_text()) if file.exists() else {}
        outputs = {}
        for key, each in executor_input["outputs"].get("artifacts", {}).items():
            artifact = dict(each["artifacts"][0])
            for reported in written.get("artifacts", {}).get(key, {}).get("artifacts", []):
                artifact["uri"] = reported.get("uri", artifact["uri"])
                artifact["metadata"] = {
                    **artifact.get("metadata", {}),
                    **reported.get("metadata", {}),
                }
            if not self.vertex:
                artifact["name"] = str(next(self._ids))
            outputs[key] = artifact
        return outputs


@pytest.fixture(scope="session")
def launcher():
    """The class `Launcher`."""
    return Launcher


@pytest.fixture(scope="session")
def compiled():
    """Compiles for a catalogue's files and reads the spec back: (first document, further ones)."""

    def compile_for(output: Path, *options: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        done = WARM.shelfsort("compile", "--image", IMAGE, "--output", output, *options)
        assert done.returncode == 0, done.stderr
        spec, *others = yaml.safe_load_all(output.read_text())
        return spec, others

    return compile_for
