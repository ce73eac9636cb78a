"""Runs the pipeline on this machine, component by component, and tells a listener how it goes."""

import contextlib
import ctypes
import dataclasses
import gc
import uuid
from datetime import datetime
from typing import Protocol

import keras
import ml_metadata
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import constants
from tfx.orchestration import metadata
from tfx.orchestration.local import local_dag_runner, runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from pipeline.metadata_store import output_uris
from shelfsort.core.cost import Clock, Cost, PeakMemory

# What is live changes outside the pipeline: no cache can know whether a push still stands.
_NEVER_REUSED = ("Pusher",)


class Listener(Protocol):
    """Receives the start and the end of each component, in order."""

    def started(self, component: str, number: int, of: int) -> None: ...

    def finished(self, component: str, seconds: float, cached: bool) -> None: ...


@dataclasses.dataclass
class Outcome:
    """What a run left behind.

    Attributes:
        run_id: names the run in the metadata store.
        seconds, cpu_seconds: by component, reused results included (near 0).
        peak_mb: by component, the greatest memory of this process and a child while it ran.
        cached: components whose earlier results were reused.
        outputs: by component and output key, where the artifact lies.
    """

    run_id: str
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    cpu_seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    peak_mb: dict[str, int] = dataclasses.field(default_factory=dict)
    cached: set[str] = dataclasses.field(default_factory=set)
    outputs: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)

    def uri(self, component: str, key: str) -> str:
        """Where an output of a component lies."""
        return self.outputs[component][key]


class LocalRunner(local_dag_runner.LocalDagRunner):
    """TFX's LocalDagRunner, with progress, times and outputs of the components.

    Args:
        listener: receives the start and the end of each component.
    """

    def __init__(self, listener: Listener):
        super().__init__()
        self._listener = listener
        self.outcome = Outcome(run_id=_new_run_id())

    def run_with_ir(
        self,
        pipeline: pipeline_pb2.Pipeline,
        run_options: pipeline_pb2.RunOptions | None = None,
    ) -> None:
        """Runs a compiled pipeline; `outcome` has what came of it, up to a failure if there is one.

        Raises:
            ValueError: with `run_options`, which ask for a part of the graph.
        """
        if run_options:
            raise ValueError("The runner takes no run_options: start the whole graph.")
        _leave_libraries_to_themselves()
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: self.outcome.run_id}
        )
        deployment = runner_utils.extract_local_deployment_config(pipeline)
        connection = deployment.metadata_connection_config
        connection = getattr(connection, connection.WhichOneof("connection_config"))
        nodes = [node.pipeline_node for node in pipeline.nodes]
        for number, node in enumerate(nodes, 1):
            component = node.node_info.id
            if component in _NEVER_REUSED:
                node.execution_options.caching_options.enable_cache = False
            self._listener.started(component, number, len(nodes))
            clock, memory = Clock(), PeakMemory()
            execution = launcher.Launcher(
                pipeline_node=node,
                mlmd_connection=metadata.Metadata(connection),
                pipeline_info=pipeline.pipeline_info,
                pipeline_runtime_spec=pipeline.runtime_spec,
                executor_spec=runner_utils.extract_executor_spec(deployment, component),
                custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, component),
            ).launch()
            self.outcome.peak_mb[component] = memory.mb()
            store = ml_metadata.MetadataStore(connection)
            self._record(component, clock.lap(), execution.execution_id, store)
            _release_memory()

    def _record(
        self, component: str, cost: Cost, execution_id: int, store: ml_metadata.MetadataStore
    ) -> None:
        (execution,) = store.get_executions_by_id([execution_id])
        cached = execution.last_known_state == metadata_store_pb2.Execution.CACHED
        self.outcome.seconds[component] = round(cost.seconds, 2)
        self.outcome.cpu_seconds[component] = round(cost.cpu_seconds, 2)
        if cached:
            self.outcome.cached.add(component)
        self.outcome.outputs[component] = output_uris(execution_id, store)
        self._listener.finished(component, cost.seconds, cached)


def _leave_libraries_to_themselves() -> None:
    """Keeps later collections of garbage from looking at what lives to the end anyway."""
    gc.collect()
    gc.freeze()


def _release_memory() -> None:
    """Gives back what a finished component held, so that peaks do not add up over a run."""
    keras.utils.clear_session(free_memory=True)
    # glibc keeps freed memory for the process unless it is asked for it.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _new_run_id() -> str:
    """Sorts by time; two runs in the same second differ."""
    return f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{uuid.uuid4().hex[:4]}"
