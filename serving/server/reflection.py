"""gRPC's server reflection, with which tools such as grpcurl find out what may be called."""

import importlib.util
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc

from serving.server.grpc_calls import Context, Inbox, Refusals, parsed
from serving.server.limits import MAX_CONTROL_BYTES
from shelfsort.core.stack import describe_services

_SERVICES = ("model_service_pb2", "prediction_service_pb2")


def reflection_handlers(services: Sequence[str], inbox: Inbox) -> list[grpc.GenericRpcHandler]:
    """For a server of `grpc.aio`; none where the package for reflection is not installed.

    Args:
        services: the full names of what the server serves.
        inbox: of its port.
    """
    if importlib.util.find_spec("grpc_reflection") is None:
        return []
    from grpc_reflection.v1alpha import reflection, reflection_pb2

    for module in _SERVICES:
        describe_services(f"tensorflow_serving.apis.{module}")
    servicer = reflection.aio.ReflectionServicer([*services, reflection.SERVICE_NAME])

    async def info(_: Any, context: Context) -> None:
        with Refusals() as refusals:
            # Each request has to arrive in time: a silent stream would be held for ever.
            while (message := await inbox.next_message(context, MAX_CONTROL_BYTES)) is not None:
                request = parsed(reflection_pb2.ServerReflectionRequest, message)
                async for answer in servicer.ServerReflectionInfo(_only(request), context):
                    await context.write(answer.SerializeToString())
            return
        await refusals.abort(context)

    method = grpc.stream_stream_rpc_method_handler(info)
    methods = {"ServerReflectionInfo": method}
    return [grpc.method_handlers_generic_handler(reflection.SERVICE_NAME, methods)]


async def _only(request: Any) -> AsyncIterator[Any]:
    yield request
