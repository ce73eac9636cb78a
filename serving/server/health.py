"""`grpc.health.v1.Health`, answered in the event loop: however busy the workers are.

grpcio's servicer is not used: a client that watches and does not read holds a lock in it which the
next change of state waits for.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from serving.server.grpc_calls import handler
from serving.server.limits import MAX_CONTROL_BYTES
from serving.server.manager import ModelManager
from serving.status import ServingError, invalid_argument, not_found, resource_exhausted

HEALTH_SERVICE = "grpc.health.v1.Health"
# The names under which TF Serving reports health; "" is the server as a whole.
_NAMES = frozenset({"", "ModelService", "PredictionService"})
MAX_WATCHES = 100
"""At once; one more, and the oldest is ended."""
_LOOK_SECONDS = 1.0
_STATES = health_pb2.HealthCheckResponse


class Health:
    """Says SERVING while every configured model has a version that answers.

    Args:
        manager: has the models.
    """

    def __init__(self, manager: ModelManager):
        self._manager = manager
        self._closing = False
        # In the order of their beginnings; each is set when its watch has to end.
        self._watches: dict[asyncio.Event, None] = {}

    def close(self) -> None:
        """Says NOT_SERVING from now on."""
        self._closing = True

    def handlers(
        self, arrived: Callable[[Any, int], Awaitable[bytes]]
    ) -> list[grpc.GenericRpcHandler]:
        """For a server of `grpc.aio`.

        Args:
            arrived: gives the bytes of a call's message, which may have so many.
        """

        async def request(context: Any) -> str:
            try:
                message = await arrived(context, MAX_CONTROL_BYTES)
                return health_pb2.HealthCheckRequest.FromString(message).service
            except ServingError as error:
                raise await _aborted(context, error) from error
            except DecodeError as error:
                raise await _aborted(context, invalid_argument("No HealthCheckRequest")) from error

        async def check(_: Any, context: Any) -> bytes:
            state = self._state(await request(context))
            if state == _STATES.SERVICE_UNKNOWN:
                raise await _aborted(context, not_found("Unknown service"))
            return _STATES(status=state).SerializeToString()

        async def watch(_: Any, context: Any) -> None:
            name = await request(context)
            dropped = asyncio.Event()
            self._watches[dropped] = None
            if len(self._watches) > MAX_WATCHES:
                # Whoever keeps many keeps out nobody.
                oldest = next(iter(self._watches))
                del self._watches[oldest]
                oldest.set()
            try:
                await self._write_changes(name, context, dropped)
            finally:
                self._watches.pop(dropped, None)
            if dropped.is_set():
                raise await _aborted(context, resource_exhausted("Too many watch the health"))

        watching = grpc.stream_stream_rpc_method_handler(watch)
        return [
            handler(HEALTH_SERVICE, {"Check": check}),
            grpc.method_handlers_generic_handler(HEALTH_SERVICE, {"Watch": watching}),
        ]

    async def _write_changes(self, name: str, context: Any, dropped: asyncio.Event) -> None:
        last = None
        while not dropped.is_set():
            # Read first: the state that is written last is that of a server that stops.
            closing = self._closing
            state = self._state(name)
            if state != last:
                await context.write(_STATES(status=state).SerializeToString())
                last = state
            if closing:
                return
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(dropped.wait(), _LOOK_SECONDS)

    def _state(self, name: str) -> int:
        if name not in _NAMES:
            return _STATES.SERVICE_UNKNOWN
        available = self._manager.available()
        serves = not self._closing and available and all(available.values())
        return _STATES.SERVING if serves else _STATES.NOT_SERVING


async def _aborted(context: Any, error: ServingError) -> ServingError:
    """Ends the call; what it returns is never reached."""
    await context.abort(error.code, error.details())
    return error
