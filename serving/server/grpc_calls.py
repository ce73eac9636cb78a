"""What methods over gRPC have in common: how a message arrives, and how an error goes back.

Every method is a coroutine that gets no message but a way to read it: the methods that grpcio makes
of a service would wait for it in a thread, or without end.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from serving.server.intake import Intake
from serving.server.limits import MAX_CONTROL_BYTES
from serving.status import ServingError, from_exception, invalid_argument, resource_exhausted

Context = Any
Method = Callable[[Any, Context], Awaitable[bytes]]


class Inbox:
    """Reads the messages of one port, which has an event loop of its own.

    Args:
        intake: what the ports share.
    """

    def __init__(self, intake: Intake):
        self._intake = intake
        self._arrivals = intake.arrivals()

    async def arrived(self, context: Context, max_bytes: int | None = None) -> bytes:
        """The bytes of a call's message.

        Args:
            max_bytes: of the message; None for what the port takes.

        Raises:
            ServingError: the message did not come, or not in time, or is too large.
        """
        message = await self.next_message(context, max_bytes)
        if message is None:
            raise invalid_argument("The call brought no message")
        return message

    async def next_message(self, context: Context, max_bytes: int | None = None) -> bytes | None:
        """The bytes of the next message of a call; None where there is no other.

        Raises:
            ServingError: it did not come in time, or is larger than `max_bytes`.
        """
        message = await self._arrivals.of(context.read())
        if not isinstance(message, bytes):
            return None
        if max_bytes is not None and len(message) > max_bytes:
            raise resource_exhausted(
                f"Received message larger than max ({len(message)} vs. {max_bytes})"
            )
        return message

    def aside(self, answer: Callable[[bytes], Any]) -> Method:
        """A method that is answered however busy the workers are."""

        async def method(_: Any, context: Context) -> bytes:
            with Refusals() as refusals:
                self._intake.check_open()
                message = await self.arrived(context, MAX_CONTROL_BYTES)
                answered = await self._intake.workers.run_aside(lambda: answer(message))
                response = answered.SerializeToString()
                self._intake.departures.of_call(len(response))
                return response
            return await refusals.abort(context)

        return method


class Refusals:
    """Keeps the error of what is done inside, so that the call can be ended with it."""

    def __init__(self) -> None:
        self._error: ServingError | None = None

    def __enter__(self) -> "Refusals":
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> bool:
        if isinstance(error, Exception):
            self._error = from_exception(error)
            return True
        return False

    async def abort(self, context: Context) -> bytes:
        """Ends the call with the error; what it returns is never reached."""
        error = self._error or ServingError(grpc.StatusCode.INTERNAL, "Internal error")
        await context.abort(error.code, error.details())
        return b""


def handler(service: str, methods: Mapping[str, Method]) -> grpc.GenericRpcHandler:
    """Methods that take bytes from their context and return bytes, as a service."""
    return grpc.method_handlers_generic_handler(
        service,
        # On the wire a call with one message is as one with many of which the first is read.
        {name: grpc.stream_unary_rpc_method_handler(method) for name, method in methods.items()},
    )


def parsed(kind: Any, message: bytes) -> Any:
    """The message of that kind.

    Raises:
        ServingError: INTERNAL, as TF Serving has it: the bytes are no such message.
    """
    try:
        return kind.FromString(message)
    except DecodeError as error:
        raise ServingError(grpc.StatusCode.INTERNAL, f"No {kind.DESCRIPTOR.name}") from error
