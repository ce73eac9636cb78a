"""PredictionService and ModelService over gRPC: from a message to the logic and back."""

import time
from collections.abc import Callable
from typing import TypeVar

import grpc
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.server.manager import ModelManager
from serving.server.metrics import ServerMetrics
from serving.server.predict import predict
from serving.server.status import ServingError, from_exception, invalid_argument

Request = TypeVar("Request")
Response = TypeVar("Response")


class Calls:
    """Answers calls: counts them, times them, and turns errors into statuses."""

    def __init__(self, metrics: ServerMetrics):
        self._metrics = metrics

    def answer(
        self,
        api: str,
        model: str,
        context: grpc.ServicerContext,
        work: Callable[[], Response],
    ) -> Response:
        started = time.perf_counter()
        try:
            response = work()
        except Exception as exception:
            error = from_exception(exception)
            self._record(api, model, error.code.name, started)
            context.abort(error.code, error.details())
        self._record(api, model, "OK", started)
        return response

    def _record(self, api: str, model: str, status: str, started: float) -> None:
        self._metrics.requests.add(model, status)
        microseconds = (time.perf_counter() - started) * 1e6
        self._metrics.request_latency.observe(microseconds, model, api, "GRPC")


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify, Regress, MultiInference and GetModelMetadata."""

    def __init__(self, manager: ModelManager, metrics: ServerMetrics):
        self._manager = manager
        self._calls = Calls(metrics)

    def Predict(  # noqa: N802 - the method's name on the wire
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        def work() -> predict_pb2.PredictResponse:
            require_spec(request)
            with self._manager.use(request.model_spec) as (version, servable):
                return predict(servable, request, version, context.is_active)

        return self._calls.answer("Predict", request.model_spec.name, context, work)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus and HandleReloadConfigRequest."""

    def __init__(self, manager: ModelManager):
        self._manager = manager

    def GetModelStatus(  # noqa: N802 - the method's name on the wire
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        try:
            require_spec(request)
            return model_status(self._manager, request.model_spec)
        except ServingError as error:
            context.abort(error.code, error.details())


def require_spec(request: predict_pb2.PredictRequest) -> None:
    """Refuses a request without a model_spec: INVALID_ARGUMENT."""
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")


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
