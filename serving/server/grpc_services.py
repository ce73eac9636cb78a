"""PredictionService and ModelService over gRPC: from a message to the logic and back."""

import threading
from collections.abc import Callable
from typing import TypeVar

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.server.calls import Caller, Calls
from serving.server.config_file import models_from
from serving.server.examples import classify, input_size, multi_inference, regress
from serving.server.manager import ModelManager, ModelsUnavailable
from serving.server.metadata import check_fields, model_metadata
from serving.server.metrics import ServerMetrics
from serving.server.predict import predict
from serving.server.servable import Servable
from serving.status import ServingError, invalid_argument

Request = TypeVar("Request")
Response = TypeVar("Response")
Answer = Callable[[Servable, Request, int, Caller], Response]


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify, Regress, MultiInference and GetModelMetadata.

    Args:
        manager: has the models.
        metrics: counts the calls.
        closing: once set, new calls are refused as UNAVAILABLE, which clients may repeat elsewhere.
    """

    def __init__(self, manager: ModelManager, metrics: ServerMetrics, closing: threading.Event):
        self._manager = manager
        self._closing = closing
        self._calls = Calls(metrics, "GRPC", manager.knows)

    def Predict(  # noqa: N802 - the method's name on the wire, here and below
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        return self._answer("Predict", predict, request, _spec_of(request), context)

    def Classify(  # noqa: N802
        self, request: classification_pb2.ClassificationRequest, context: grpc.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        return self._answer("Classify", classify, request, _spec_of(request), context)

    def Regress(  # noqa: N802
        self, request: regression_pb2.RegressionRequest, context: grpc.ServicerContext
    ) -> regression_pb2.RegressionResponse:
        return self._answer("Regress", regress, request, _spec_of(request), context)

    def MultiInference(  # noqa: N802
        self, request: inference_pb2.MultiInferenceRequest, context: grpc.ServicerContext
    ) -> inference_pb2.MultiInferenceResponse:
        spec = request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
        return self._answer("MultiInference", multi_inference, request, spec, context)

    def GetModelMetadata(  # noqa: N802
        self,
        request: get_model_metadata_pb2.GetModelMetadataRequest,
        context: grpc.ServicerContext,
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        try:
            spec = _required(_spec_of(request))
            check_fields(request)
            with self._manager.use(spec) as (version, servable):
                return model_metadata(servable, spec.name, version)
        except ServingError as error:
            context.abort(error.code, error.details())

    def _answer(
        self,
        api: str,
        answer: Answer,
        request: Request,
        spec: model_pb2.ModelSpec | None,
        context: grpc.ServicerContext,
    ) -> Response:
        if self._closing.is_set():
            context.abort(grpc.StatusCode.UNAVAILABLE, "The server is shutting down")
        name = spec.name if spec is not None else ""
        caller = self._calls.caller(api, name, context.is_active)
        try:
            with (
                self._calls.measured(api, name),
                self._manager.use(_required(spec)) as (version, servable),
            ):
                response = answer(servable, request, version, caller)
        except ServingError as error:
            context.abort(error.code, error.details())
        if api != "Predict":
            self._calls.count_examples(name, input_size(request.input))
        return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus and HandleReloadConfigRequest."""

    def __init__(self, manager: ModelManager):
        self._manager = manager

    def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        try:
            return model_status(self._manager, _required(_spec_of(request)))
        except ServingError as error:
            context.abort(error.code, error.details())

    def HandleReloadConfigRequest(  # noqa: N802
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        try:
            self._manager.bring_up(models_from(request.config), context.time_remaining())
        except ServingError as error:
            context.abort(error.code, error.details())
        except ModelsUnavailable as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        response = model_management_pb2.ReloadConfigResponse()
        response.status.error_code = 0
        return response


def _spec_of(request: Request) -> model_pb2.ModelSpec | None:
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
