"""The model server: ports, services and models, from start to an orderly stop."""

import ssl
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import HealthServicer
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from serving.server import servable as servables
from serving.server.config import ModelConfig, ServerOptions, discover_models
from serving.server.grpc_services import ModelService, PredictionService
from serving.server.http_server import HttpServer
from serving.server.manager import ModelManager
from serving.server.metrics import ServerMetrics
from serving.server.rest_api import RestApi
from serving.server.servable import Servable
from serving.server.tls import grpc_credentials, rest_context
from serving.server.warmup import warm_up
from serving.status import from_exception

_DRAIN_SECONDS = 0.2
# The names under which TF Serving reports health; "" is the server as a whole.
_HEALTHY = ("", "ModelService", "PredictionService")


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
        self._health = HealthServicer()
        self._grpc: grpc.Server | None = None
        self._rest: HttpServer | None = None
        self._stopped = False
        self._closing = threading.Event()
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
    def rest_port(self) -> int | None:
        """The REST port that was opened; None without REST."""
        return self._rest.port if self._rest else None

    @property
    def address(self) -> str:
        """`host:port` of gRPC."""
        return _address(self._options.host, self._port)

    @property
    def rest_address(self) -> str | None:
        """`host:port` of REST; None without it."""
        return _address(self._options.host, self._rest.port) if self._rest else None

    def start(self, timeout: float | None = None) -> "ModelServer":
        """Loads the models, then opens the ports.

        Args:
            timeout: seconds to wait for a first version of every model; None waits on.

        Raises:
            InputError: TLS files that cannot be used.
            ModelsUnavailable: a model did not load, or not in time.
            ServingError: the configuration is not valid.
            OSError: a port is taken.
        """
        try:
            credentials, context = grpc_credentials(self._options), rest_context(self._options)
            self.manager.watch()
            self.manager.bring_up(self._models, timeout)
            self._open_grpc(credentials)
            if self._options.rest_port is not None:
                self._open_rest(context)
        # An interrupt, too: no port may stay open and no thread keep the process alive.
        except BaseException:
            self.stop(grace=0)
            raise
        return self

    def stop(self, grace: float = 30.0) -> None:
        """Takes no new calls, finishes those in hand, and unloads the models.

        Args:
            grace: seconds that the calls in hand may take; then they are cut off.
        """
        if self._stopped:
            return
        self._stopped = True
        for name in _HEALTHY:
            self._health.set(name, health_pb2.HealthCheckResponse.NOT_SERVING)
        self._closing.set()
        if self._grpc and grace:
            # gRPC cancels what has arrived and no thread has taken up yet: let that drain first,
            # each call refused in a way that a client may repeat elsewhere.
            time.sleep(min(grace, _DRAIN_SECONDS))
        finished = self._grpc.stop(grace) if self._grpc else None
        if self._rest:
            self._rest.stop(grace)
        if finished:
            finished.wait()
        self.manager.close()

    def __enter__(self) -> "ModelServer":
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _open_grpc(self, credentials: grpc.ServerCredentials | None) -> None:
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
            PredictionService(self.manager, self.metrics, self._closing), server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(self.manager), server
        )
        if options.health_service:
            health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
            for name in _HEALTHY:
                self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        self._port = _listen(server, _address(options.host, options.port), credentials)
        server.start()
        self._grpc = server

    def _open_rest(self, context: ssl.SSLContext | None) -> None:
        options = self._options
        try:
            self._rest = HttpServer(
                RestApi(self.manager, self.metrics),
                options.host,
                options.rest_port,
                options.max_message_bytes,
                options.max_concurrent,
                context,
            )
        except OSError as error:
            address = _address(options.host, options.rest_port)
            raise OSError(f"cannot listen on {address}: {error.strerror}") from error
        self._rest.start()

    def _load(self, name: str, version: int, path: str) -> Servable:
        started = time.perf_counter()
        try:
            servable = servables.load(path, self._options)
        # Counted and passed on, whatever it is.
        except Exception as error:
            self.metrics.load_attempts.add(path, from_exception(error).code.name)
            raise
        self.metrics.load_attempts.add(path, "OK")
        microseconds = round((time.perf_counter() - started) * 1e6)
        self.metrics.load_latency.add(path, by=microseconds)
        try:
            warm_up(servable, version)
        # Passed on, whatever it is; the session must not stay behind.
        except Exception:
            servable.close()
            raise
        return servable


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listen(server: grpc.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    try:
        if credentials is not None:
            return server.add_secure_port(address, credentials)
        return server.add_insecure_port(address)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}: is the port taken?") from error
