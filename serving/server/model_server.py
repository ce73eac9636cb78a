"""The model server: ports, services and models, from start to an orderly stop."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from serving.server import servable as servables
from serving.server.config import ModelConfig, ServerOptions, discover_models
from serving.server.grpc_services import ModelService, PredictionService
from serving.server.manager import ModelManager
from serving.server.metrics import ServerMetrics
from serving.server.servable import Servable
from serving.server.status import from_exception


class ModelServer:
    """Serves models with TF Serving's APIs.

    Args:
        models: what to serve; `ModelServer.at` finds out from a folder.
        options: how.

    Use it as a context manager, or call `start` and `stop`. The ports open only when every model
    has a version that answers.
    """

    def __init__(self, models: Sequence[ModelConfig], options: ServerOptions | None = None):
        self._models = list(models)
        self._options = options or ServerOptions()
        self.metrics = ServerMetrics()
        self.manager = ModelManager(self._load, self._options)
        self._grpc: grpc.Server | None = None
        self._stopped = threading.Event()
        self._port = 0

    @classmethod
    def at(cls, base_path: str | Path, name: str | None = None, **options) -> "ModelServer":
        """A server of the models beneath a folder; `options` are those of ServerOptions.

        Raises:
            InputError: the folder is missing, or holds no model.
        """
        return cls(discover_models(base_path, name), ServerOptions(**options))

    @property
    def port(self) -> int:
        """The gRPC port that was opened."""
        return self._port

    @property
    def address(self) -> str:
        """`host:port` of gRPC."""
        return f"{self._options.host}:{self._port}"

    def start(self, timeout: float | None = None) -> "ModelServer":
        """Loads the models, then opens the ports.

        Args:
            timeout: seconds to wait for a first version of every model; None waits on.

        Raises:
            ModelsUnavailable: a model did not load, or not in time.
            OSError: a port is taken.
        """
        try:
            self.manager.bring_up(self._models, timeout)
            self._open_grpc()
        except BaseException:
            self.manager.close()
            raise
        self.manager.watch()
        return self

    def stop(self, grace: float = 30.0) -> None:
        """Takes no new calls, finishes those in hand, and unloads the models.

        Args:
            grace: seconds that the calls in hand may take.
        """
        if self._stopped.is_set():
            return
        self._stopped.set()
        if self._grpc is not None:
            self._grpc.stop(grace).wait()
        self.manager.close()

    def __enter__(self) -> "ModelServer":
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _open_grpc(self) -> None:
        options = self._options
        server = grpc.server(
            ThreadPoolExecutor(options.workers, thread_name_prefix="grpc"),
            options=[
                ("grpc.max_receive_message_length", options.max_message_bytes),
                ("grpc.max_send_message_length", options.max_message_bytes),
                # Two servers on one port would share its calls, and nobody would know.
                ("grpc.so_reuseport", 0),
            ],
            maximum_concurrent_rpcs=options.max_concurrent,
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(self.manager, self.metrics), server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(self.manager), server
        )
        try:
            self._port = server.add_insecure_port(f"{options.host}:{options.port}")
        except RuntimeError as error:
            raise OSError(f"cannot listen on {options.host}:{options.port}") from error
        server.start()
        self._grpc = server

    def _load(self, name: str, version: int, path: str) -> Servable:
        started = time.perf_counter()
        try:
            servable = servables.load(path, self._options)
        except Exception as error:
            self.metrics.load_attempts.add(path, from_exception(error).code.name)
            raise
        self.metrics.load_attempts.add(path, "OK")
        microseconds = round((time.perf_counter() - started) * 1e6)
        self.metrics.load_latency.add(path, by=microseconds)
        return servable
