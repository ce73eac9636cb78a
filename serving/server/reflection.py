"""gRPC's server reflection, with which tools such as grpcurl find out what may be called."""

import importlib.util
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc

from shelfsort.core.stack import describe_services

_MAX_STREAMS = 100
_SERVICES = ("model_service_pb2", "prediction_service_pb2")


def add_reflection(server: grpc.aio.Server, services: Sequence[str]) -> None:
    """Lets a server describe itself, where the package for that is installed.

    Args:
        server: not started yet.
        services: the full names of what it serves.
    """
    if importlib.util.find_spec("grpc_reflection") is None:
        return
    from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

    for module in _SERVICES:
        describe_services(f"tensorflow_serving.apis.{module}")

    class Bounded(reflection.aio.ReflectionServicer):
        """Answers so many at once: a stream without a request would be held for ever."""

        _open = 0

        async def ServerReflectionInfo(  # noqa: N802 - gRPC's name
            self, requests: AsyncIterator[Any], context: Any
        ) -> AsyncIterator[Any]:
            if self._open >= _MAX_STREAMS:
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many ask what is here")
            self._open += 1
            try:
                async for answer in super().ServerReflectionInfo(requests, context):
                    yield answer
            finally:
                self._open -= 1

    names = [*services, reflection.SERVICE_NAME]
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(Bounded(names), server)
