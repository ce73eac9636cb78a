"""The model server: ports, services and models, from start to an orderly stop."""

import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path

import grpc

from serving.server import servable as servables
from serving.server.budget import Budget
from serving.server.config import ModelConfig, ServerOptions, discover_models
from serving.server.grpc_server import GrpcServer, Port
from serving.server.grpc_services import Services
from serving.server.health import Health
from serving.server.http_server import HttpServer
from serving.server.intake import Intake
from serving.server.management import Management
from serving.server.manager import ModelManager
from serving.server.metrics import ServerMetrics
from serving.server.reload import Reloads
from serving.server.rest_api import RestApi
from serving.server.servable import Servable
from serving.server.tls import grpc_credentials, rest_context
from serving.server.warmup import warm_up
from serving.server.workers import Workers
from serving.status import from_exception

_DRAIN_SECONDS = 0.2
# After the grace: a call that was cut off may still be in the model, which nothing interrupts.
_UNLOAD_SECONDS = 5.0


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
        self._workers = Workers(self._options.workers, self._options.max_concurrent)
        budget = Budget(self._options.request_memory_bytes)
        self._intake = Intake(self._workers, budget, self._options)
        self._health = Health(self.manager)
        self._grpc: GrpcServer | None = None
        self._ports: list[Port] = []
        self._rest: HttpServer | None = None
        self._stopped = False

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
        return self._ports[0].number if self._ports else 0

    @property
    def rest_port(self) -> int | None:
        """The REST port that was opened; None without REST."""
        return self._rest.port if self._rest else None

    @property
    def address(self) -> str:
        """`host:port` of gRPC."""
        return _address(self._options.host, self.port)

    @property
    def rest_address(self) -> str | None:
        """`host:port` of REST; None without it."""
        return _address(self._options.host, self._rest.port) if self._rest else None

    @property
    def management_address(self) -> str | None:
        """`host:port` of the management port; None without `allow_reload`."""
        if len(self._ports) < 2:
            return None
        return _address(self._options.management_host, self._ports[1].number)

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
            self._check_ports()
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

        Returns within seconds of the grace. A model that still runs then is unloaded later, by a
        thread.
        """
        if self._stopped:
            return
        self._stopped = True
        self._health.close()
        self._intake.close()
        if self._grpc and grace:
            # gRPC cancels what has arrived and nobody has taken up yet: let that drain first,
            # each call refused in a way that a client may repeat elsewhere.
            time.sleep(min(grace, _DRAIN_SECONDS))
        ends = time.monotonic() + grace
        for port in (self._grpc, self._rest):
            if port:
                port.stop(max(0.0, ends - time.monotonic()))
        self._workers.close()
        self.manager.close(max(0.0, ends - time.monotonic()) + _UNLOAD_SECONDS)

    def __enter__(self) -> "ModelServer":
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _check_ports(self) -> None:
        """Finds out whether the ports can be had, before models load for minutes."""
        options = self._options
        wanted = [(options.host, options.port), (options.host, options.rest_port)]
        if options.allow_reload:
            wanted.append((options.management_host, options.management_port))
        for host, port in wanted:
            if port:
                _check_free(host, port)

    def _open_grpc(self, credentials: grpc.ServerCredentials | None) -> None:
        options = self._options
        services = Services(self.manager, self.metrics, self._intake)
        health = self._health if options.health_service else None
        ports = [Port(services, _address(options.host, options.port), health)]
        if options.allow_reload:
            reloads = Reloads(self.manager, options, self._models)
            management = Management(self.manager, self._intake, reloads, options.management_token)
            address = _address(options.management_host, options.management_port)
            ports.append(Port(management, address, self._health))
        self._grpc = GrpcServer(ports, credentials, options)
        self._grpc.start()
        self._ports = ports

    def _open_rest(self, context: ssl.SSLContext | None) -> None:
        options = self._options
        api = RestApi(self.manager, self.metrics, options)
        try:
            self._rest = HttpServer(api, self._intake, options.host, options.rest_port, context)
        except OSError as error:
            raise _taken(options.host, options.rest_port, error) from error
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


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise _taken(host, port, error) from error


def _taken(host: str, port: int | None, error: OSError) -> OSError:
    return OSError(f"cannot listen on {_address(host, port or 0)}: {error.strerror}")
