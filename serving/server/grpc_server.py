"""The gRPC ports: an event loop in a thread of its own."""

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import grpc

from serving.server.descriptors import connections
from serving.server.grpc_calls import Inbox
from serving.server.health import HEALTH_SERVICE, Health
from serving.server.limits import (
    GRPC_AGE_SECONDS,
    GRPC_CONNECTIONS,
    GRPC_GRACE_SECONDS,
    GRPC_IDLE_SECONDS,
    GRPC_STREAMS,
    GRPC_UNSEEN_SECONDS,
    KEEPALIVE_SECONDS,
    MAX_HEAD_BYTES,
    Limits,
)
from serving.server.reflection import reflection_handlers

_WAKE_SECONDS = 0.2
_OVERDUE_SECONDS = 5.0


class Answering(Protocol):
    """What answers on a port."""

    inbox: Inbox
    names: Sequence[str]

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """For a server of `grpc.aio`."""


@dataclass
class Port:
    """A port to open.

    Args:
        services: what answers there.
        address: `host:port`; port 0 takes a free one.
        health: served too, unless None.
        number: the port that was opened.
    """

    services: Answering
    address: str
    health: Health | None = None
    number: int = 0


class GrpcServer:
    """Serves ports, all in one event loop: gRPC's runtime for Python has one poller a process.

    Args:
        ports: to open.
        credentials: None for no TLS.
        limits: of messages.
    """

    def __init__(
        self, ports: Sequence[Port], credentials: grpc.ServerCredentials | None, limits: Limits
    ):
        self._ports = ports
        self._credentials = credentials
        self._limits = limits
        self._started = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._grace = 0.0
        self._thread = threading.Thread(target=self._run, name="grpc", daemon=True)

    def start(self) -> None:
        """Opens the ports.

        Raises:
            OSError: one cannot be had.
        """
        self._thread.start()
        self._started.wait()
        if self._error is not None:
            raise self._error

    def stop(self, grace: float) -> None:
        """Takes no new calls, waits up to `grace` seconds for those in hand, and cuts off the rest.

        Returns soon after the grace in any case.
        """
        if self._loop is None or self._stopping is None:
            return
        self._grace = grace
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stopping.set)
        ends = time.monotonic() + math.ceil(grace) + _OVERDUE_SECONDS
        while self._thread.is_alive() and time.monotonic() < ends:
            self._thread.join(_WAKE_SECONDS)
            # A loop that saw the clock set back sleeps until the clock is there again.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(lambda: None)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        # Passed on to whoever starts the server.
        except BaseException as error:
            self._error = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        servers = [self._server(port) for port in self._ports]
        for server in servers:
            await server.start()
        self._started.set()
        await self._stopping.wait()
        await asyncio.gather(*(server.stop(self._grace) for server in servers))

    def _server(self, port: Port) -> grpc.aio.Server:
        server = grpc.aio.server(options=_options(self._limits))
        server.add_generic_rpc_handlers(port.services.handlers())
        names = list(port.services.names)
        if port.health is not None:
            server.add_generic_rpc_handlers(port.health.handlers(port.services.inbox.arrived))
            names.append(HEALTH_SERVICE)
        server.add_generic_rpc_handlers(reflection_handlers(names, port.services.inbox))
        try:
            if self._credentials is not None:
                port.number = server.add_secure_port(port.address, self._credentials)
            else:
                port.number = server.add_insecure_port(port.address)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {port.address}: is the port taken?") from error
        return server


def _options(limits: Limits) -> Sequence[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", limits.max_message_bytes),
        # Answers are as large as the model makes them.
        ("grpc.max_send_message_length", -1),
        # Two servers on one port would share its calls, and nobody would know.
        ("grpc.so_reuseport", 0),
        ("grpc.max_allowed_incoming_connections", connections(GRPC_CONNECTIONS)),
        ("grpc.max_concurrent_streams", GRPC_STREAMS),
        ("grpc.max_metadata_size", MAX_HEAD_BYTES),
        ("grpc.max_connection_idle_ms", 1000 * GRPC_IDLE_SECONDS),
        ("grpc.keepalive_time_ms", 1000 * KEEPALIVE_SECONDS),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.max_connection_age_ms", 1000 * GRPC_AGE_SECONDS),
        ("grpc.max_connection_age_grace_ms", 1000 * GRPC_GRACE_SECONDS),
        ("grpc.server_handshake_timeout_ms", int(1000 * limits.arrival_seconds)),
        ("grpc.server_max_unrequested_time_in_server", GRPC_UNSEEN_SECONDS),
        # Whoever pings too often is answered, and where the answers lie unread nothing more is
        # read. Ending the connection instead takes 2 kB a ping until the last answer is read.
        ("grpc.http2.max_ping_strikes", 0),
    ]
