"""The REST API: from a method, a path and a body to a status and a body."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import grpc
from tensorflow_serving.apis import classification_pb2, model_pb2, regression_pb2

from serving.server import json_examples, json_tensors, json_text
from serving.server.calls import Caller, Calls
from serving.server.examples import classify, input_size, regress
from serving.server.grpc_services import model_status
from serving.server.manager import ModelManager
from serving.server.metadata import signature_map
from serving.server.metrics import ServerMetrics
from serving.server.predict import bind_inputs, predict_arrays
from serving.server.servable import DEFAULT_SIGNATURE, Servable, TensorSpec
from serving.status import from_exception, invalid_argument
from shelfsort.core.stack import message_to_dict

METRICS_PATH = "/monitoring/prometheus/metrics"

_MODEL = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
_PREDICTION = re.compile(_MODEL + r":(classify|regress|predict)", re.IGNORECASE)
_STATUS = re.compile(_MODEL + r"(?:/(metadata))?", re.IGNORECASE)
_NO_MODEL = re.compile(r"/v1/models", re.IGNORECASE)

_HTTP_STATUS = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


@dataclass(frozen=True)
class Reply:
    """What goes back over HTTP."""

    status: int
    body: bytes
    content_type: str = "application/json"


class RestApi:
    """Answers requests; knows nothing of sockets."""

    def __init__(self, manager: ModelManager, metrics: ServerMetrics):
        self._manager = manager
        self._metrics = metrics
        self._calls = Calls(metrics, "REST", manager.knows)
        self._answers: Mapping[str, Callable[[Servable, str, int, bytes, Caller], bytes]] = {
            "predict": self._predict,
            "classify": self._classify,
            "regress": self._regress,
        }

    def handle(self, method: str, path: str, body: bytes) -> Reply:
        """The reply to one request; whatever goes wrong is a reply too.

        Args:
            path: without the query.
        """
        if method == "GET" and path == METRICS_PATH:
            return Reply(200, self._metrics.page().encode(), "text/plain")
        if not path.lower().startswith("/v1/"):
            return Reply(404, b"")
        try:
            return Reply(200, self._route(method, path, body))
        except Exception as exception:
            error = from_exception(exception)
            return Reply(_HTTP_STATUS.get(error.code, 500), json_text.error_body(error.message))

    def _route(self, method: str, path: str, body: bytes) -> bytes:
        if method == "POST" and (match := _PREDICTION.fullmatch(path)):
            name, version, label, verb = match.groups()
            return self._infer(_spec(name, version, label), verb.lower(), body)
        if method == "GET" and (match := _STATUS.fullmatch(path)):
            name, version, label, metadata = match.groups()
            spec = _spec(name, version, label)
            return self._metadata(spec) if metadata else self._status(spec)
        if method == "GET" and _NO_MODEL.fullmatch(path):
            raise invalid_argument("Missing model name in request.")
        raise invalid_argument(f"Malformed request: {method} {path}")

    def _infer(self, spec: model_pb2.ModelSpec, verb: str, body: bytes) -> bytes:
        api = verb.capitalize()
        caller = self._calls.caller(api, spec.name)
        with (
            self._calls.measured(api, spec.name),
            self._manager.use(spec) as (version, servable),
        ):
            return self._answers[verb](servable, spec.name, version, body, caller)

    def _predict(
        self, servable: Servable, name: str, version: int, body: bytes, caller: Caller
    ) -> bytes:
        def inputs_of(signature: str) -> Mapping[str, TensorSpec]:
            signature = signature or DEFAULT_SIGNATURE
            if signature not in servable.signatures:
                raise invalid_argument(
                    f'Serving signature name: "{signature}" not found in signature def'
                )
            return servable.signatures[signature].inputs

        wanted, form, given = json_tensors.read_predict(json_text.parse(body), inputs_of)
        signature = servable.signatures[wanted or DEFAULT_SIGNATURE]
        inputs = bind_inputs(signature, given, lambda array, alias: array)
        outputs = predict_arrays(servable, signature, inputs, caller=caller)
        return json_tensors.write_predict(outputs, signature.outputs, form)

    def _classify(
        self, servable: Servable, name: str, version: int, body: bytes, caller: Caller
    ) -> bytes:
        request = classification_pb2.ClassificationRequest()
        json_examples.fill_request(json_text.parse(body), request)
        response = classify(servable, request, version, caller)
        self._calls.count_examples(name, input_size(request.input))
        return json_examples.classification_body(response.result)

    def _regress(
        self, servable: Servable, name: str, version: int, body: bytes, caller: Caller
    ) -> bytes:
        request = regression_pb2.RegressionRequest()
        json_examples.fill_request(json_text.parse(body), request)
        response = regress(servable, request, version, caller)
        self._calls.count_examples(name, input_size(request.input))
        return json_examples.regression_body(response.result)

    def _status(self, spec: model_pb2.ModelSpec) -> bytes:
        return _pretty(message_to_dict(model_status(self._manager, spec)))

    def _metadata(self, spec: model_pb2.ModelSpec) -> bytes:
        with self._manager.use(spec) as (version, servable):
            shown = model_pb2.ModelSpec(name=spec.name)
            shown.version.value = version
            document = {
                "model_spec": message_to_dict(shown),
                "metadata": {"signature_def": message_to_dict(signature_map(servable))},
            }
        return _pretty(document)


def _spec(name: str, version: str | None, label: str | None) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=_text(name))
    if version is not None:
        if int(version) >= 2**63:
            raise invalid_argument(f"Failed to convert version: {version} to numeric.")
        spec.version.value = int(version)
    if label is not None:
        spec.version_label = _text(label)
    return spec


def _text(part: str) -> str:
    """A part of the path, with its percent signs resolved."""
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError as error:
        raise invalid_argument(f"Failed to decode model name:{part}") from error


def _pretty(document: dict) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
