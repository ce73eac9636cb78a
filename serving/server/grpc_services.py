"""PredictionService and ModelService over gRPC: from a message's bytes to an answer's.

Every method is a coroutine that gets no message but a way to read it: the methods that grpcio makes
of a service would wait for it in a thread, or without end.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server.calls import Caller, Calls
from serving.server.examples import classify, input_size, multi_inference, regress
from serving.server.intake import Intake, listed_rows
from serving.server.manager import ModelManager
from serving.server.metadata import check_fields, model_metadata
from serving.server.metrics import ServerMetrics
from serving.server.predict import predict
from serving.server.reload import Reloads
from serving.status import ServingError, from_exception, invalid_argument
from shelfsort.contract.wire import FAILED_ROWS

_PREDICTION = "tensorflow.serving.PredictionService"
_MODEL = "tensorflow.serving.ModelService"
Context = Any
Method = Callable[[Any, Context], Awaitable[bytes]]


class Services:
    """The methods of both services.

    Args:
        manager: has the models.
        metrics: counts the calls.
        intake: brings requests to the workers.
        reloads: answers HandleReloadConfigRequest.
        token: that such a request must show; None asks for none.
    """

    def __init__(
        self,
        manager: ModelManager,
        metrics: ServerMetrics,
        intake: Intake,
        reloads: Reloads,
        token: str | None,
    ):
        self._manager = manager
        self._calls = Calls(metrics, "GRPC", manager.knows)
        self._intake = intake
        self._arrivals = intake.arrivals()
        self._reloads = reloads
        self._token = token

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """For a server of `grpc.aio`."""
        prediction = {
            "Predict": self._inference("Predict", predict_pb2.PredictRequest, predict),
            "Classify": self._inference(
                "Classify", classification_pb2.ClassificationRequest, classify
            ),
            "Regress": self._inference("Regress", regression_pb2.RegressionRequest, regress),
            "MultiInference": self._inference(
                "MultiInference", inference_pb2.MultiInferenceRequest, multi_inference
            ),
            "GetModelMetadata": self._aside(self._metadata),
        }
        model = {
            "GetModelStatus": self._aside(self._status),
            "HandleReloadConfigRequest": self._reload,
        }
        return [handler(_PREDICTION, prediction), handler(_MODEL, model)]

    async def arrived(self, context: Context) -> bytes:
        """The bytes of a call's message.

        Raises:
            ServingError: the message did not come, or not in time.
        """
        message = await self._arrivals.of(context.read())
        if not isinstance(message, bytes):
            raise invalid_argument("The call brought no message")
        return message

    def _inference(self, api: str, kind: Any, answer: Callable[..., Any]) -> Method:
        def work(message: bytes, caller: Caller) -> bytes:
            request = _parsed(kind, message)
            spec = _spec_of(request)
            name = spec.name if spec is not None else ""
            caller = self._calls.caller(api, name, caller)
            with (
                self._calls.measured(api, name),
                self._manager.use(_required(spec)) as (version, servable),
            ):
                response = answer(servable, request, version, caller, self._intake.limits)
            if api != "Predict":
                self._calls.count_examples(name, input_size(request.input))
            return response.SerializeToString()

        async def method(_: Any, context: Context) -> bytes:
            failed: dict[int, str] = {}
            with _Refusals() as refusals:
                self._intake.check_open()
                message = await self.arrived(context)
                response = await self._intake.work(
                    len(message), lambda caller: work(message, caller), failed.update
                )
                if failed:
                    context.set_trailing_metadata(((FAILED_ROWS, listed_rows(failed)),))
                return response
            return await refusals.abort(context)

        return method

    def _aside(self, answer: Callable[[bytes], Any]) -> Method:
        async def method(_: Any, context: Context) -> bytes:
            with _Refusals() as refusals:
                self._intake.check_open()
                message = await self.arrived(context)
                response = await self._intake.workers.run_aside(lambda: answer(message))
                return response.SerializeToString()
            return await refusals.abort(context)

        return method

    def _metadata(self, message: bytes) -> get_model_metadata_pb2.GetModelMetadataResponse:
        request = _parsed(get_model_metadata_pb2.GetModelMetadataRequest, message)
        spec = _required(_spec_of(request))
        check_fields(request)
        with self._manager.use(spec) as (version, servable):
            return model_metadata(servable, spec.name, version)

    def _status(self, message: bytes) -> get_model_status_pb2.GetModelStatusResponse:
        request = _parsed(get_model_status_pb2.GetModelStatusRequest, message)
        return model_status(self._manager, _required(_spec_of(request)))

    async def _reload(self, _: Any, context: Context) -> bytes:
        with _Refusals() as refusals:
            self._check_token(dict(context.invocation_metadata() or ()))
            self._reloads.check_allowed()
            message = await self.arrived(context)
            request = _parsed(model_management_pb2.ReloadConfigRequest, message)
            await self._reloads.apply(request.config, context.time_remaining())
            response = model_management_pb2.ReloadConfigResponse()
            response.status.error_code = 0
            return response.SerializeToString()
        return await refusals.abort(context)

    def _check_token(self, metadata: Mapping[str, str | bytes]) -> None:
        if self._token is None:
            return
        shown = str(metadata.get("authorization", "")).partition(" ")
        right = hmac.compare_digest(shown[2].strip().encode(), self._token.encode())
        if shown[0].lower() != "bearer" or not right:
            raise ServingError(grpc.StatusCode.UNAUTHENTICATED, "A token is required")


class _Refusals:
    """Keeps the error of what is done inside, so that the call can be ended with it."""

    def __init__(self) -> None:
        self._error: ServingError | None = None

    def __enter__(self) -> "_Refusals":
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> bool:
        if isinstance(error, Exception):
            self._error = from_exception(error)
            return True
        return False

    async def abort(self, context: Context) -> bytes:
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


def _parsed(kind: Any, message: bytes) -> Any:
    try:
        return kind.FromString(message)
    except DecodeError as error:
        raise ServingError(grpc.StatusCode.INTERNAL, f"No {kind.DESCRIPTOR.name}") from error


def _spec_of(request: Any) -> model_pb2.ModelSpec | None:
    if isinstance(request, inference_pb2.MultiInferenceRequest):
        return request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
    return request.model_spec if request.HasField("model_spec") else None


def _required(spec: model_pb2.ModelSpec | None) -> model_pb2.ModelSpec:
    if spec is None:
        raise invalid_argument("Missing ModelSpec")
    return spec


def model_status(
    manager: ModelManager, spec: model_pb2.ModelSpec
) -> get_model_status_pb2.GetModelStatusResponse:
    """The states of the model's versions, newest first; a label in the spec is not looked at."""
    version = spec.version.value if spec.WhichOneof("version_choice") == "version" else None
    response = get_model_status_pb2.GetModelStatusResponse()
    for entry in manager.status(spec.name, version):
        shown = response.model_version_status.add(version=entry.version, state=int(entry.state))
        shown.status.error_code = entry.error.number if entry.error else 0
        shown.status.error_message = entry.error.message if entry.error else ""
    return response
