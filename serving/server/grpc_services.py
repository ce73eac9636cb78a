"""PredictionService and ModelService over gRPC: from a message's bytes to an answer's."""

from collections.abc import Callable
from typing import Any

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server.calls import Caller, Calls
from serving.server.examples import classify, input_size, multi_inference, regress
from serving.server.grpc_calls import Context, Inbox, Method, Refusals, handler, parsed
from serving.server.intake import Intake, listed_rows
from serving.server.manager import ModelManager
from serving.server.message_weight import weigh
from serving.server.metadata import check_fields, model_metadata
from serving.server.metrics import ServerMetrics
from serving.server.predict import predict
from serving.status import invalid_argument
from shelfsort.contract.wire import FAILED_ROWS

_PREDICTION = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"


class Services:
    """The methods of both services.

    Args:
        manager: has the models.
        metrics: counts the calls.
        intake: brings requests to the workers.
    """

    def __init__(self, manager: ModelManager, metrics: ServerMetrics, intake: Intake):
        self._manager = manager
        self._calls = Calls(metrics, "GRPC", manager.knows)
        self._intake = intake
        self.inbox = Inbox(intake)
        self.names = (_PREDICTION, MODEL_SERVICE)

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
            "GetModelMetadata": self.inbox.aside(self._metadata),
        }
        model = {
            "GetModelStatus": self.inbox.aside(status_answer(self._manager)),
            "HandleReloadConfigRequest": _no_reload,
        }
        return [handler(_PREDICTION, prediction), handler(MODEL_SERVICE, model)]

    def _inference(self, api: str, kind: Any, answer: Callable[..., Any]) -> Method:
        def work(message: bytes, caller: Caller) -> bytes:
            caller.take(weigh(kind, message, self._intake.limits.max_message_fields))
            request = parsed(kind, message)
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
            with Refusals() as refusals:
                self._intake.check_open()
                message = await self.inbox.arrived(context)
                response = await self._intake.work(
                    len(message), lambda caller: work(message, caller), failed.update
                )
                self._intake.departures.of_call(len(response))
                if failed:
                    context.set_trailing_metadata(((FAILED_ROWS, listed_rows(failed)),))
                return response
            return await refusals.abort(context)

        return method

    def _metadata(self, message: bytes) -> get_model_metadata_pb2.GetModelMetadataResponse:
        request = parsed(get_model_metadata_pb2.GetModelMetadataRequest, message)
        spec = _required(_spec_of(request))
        check_fields(request)
        with self._manager.use(spec) as (version, servable):
            return model_metadata(servable, spec.name, version)


async def _no_reload(_: Any, context: Context) -> bytes:
    await context.abort(
        grpc.StatusCode.PERMISSION_DENIED,
        "This port takes no configuration. A server started with --allow-reload has a port for it",
    )
    return b""


def _spec_of(request: Any) -> model_pb2.ModelSpec | None:
    if isinstance(request, inference_pb2.MultiInferenceRequest):
        return request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
    return request.model_spec if request.HasField("model_spec") else None


def _required(spec: model_pb2.ModelSpec | None) -> model_pb2.ModelSpec:
    if spec is None:
        raise invalid_argument("Missing ModelSpec")
    return spec


def status_answer(
    manager: ModelManager,
) -> Callable[[bytes], get_model_status_pb2.GetModelStatusResponse]:
    """Answers the bytes of a GetModelStatusRequest."""

    def answer(message: bytes) -> get_model_status_pb2.GetModelStatusResponse:
        request = parsed(get_model_status_pb2.GetModelStatusRequest, message)
        return model_status(manager, _required(_spec_of(request)))

    return answer


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
