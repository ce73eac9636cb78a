"""The REST API: from a method, a path and a body to a status and a body."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from urllib.parse import unquote

import grpc
from tensorflow_serving.apis import classification_pb2, model_pb2, regression_pb2

from serving.server import json_examples, json_tensors, json_text
from serving.server.budget import BYTES_PER_BYTE, BYTES_PER_VALUE
from serving.server.calls import ANYBODY, Caller, Calls
from serving.server.examples import classify, input_size, regress
from serving.server.grpc_services import model_status
from serving.server.intake import listed_rows
from serving.server.limits import DEFAULT_LIMITS, Limits
from serving.server.manager import ModelManager
from serving.server.metadata import signature_map
from serving.server.metrics import ServerMetrics
from serving.server.predict import bind_inputs, predict_arrays
from serving.server.rows import check_rows
from serving.server.servable import DEFAULT_SIGNATURE, Servable, TensorSpec
from serving.status import ServingError, from_exception, invalid_argument
from shelfsort.contract.wire import FAILED_ROWS
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


Document: TypeAlias = dict[str, Any]
Answer: TypeAlias = "Callable[[Servable, str, int, Document, Caller], bytes]"


@dataclass(frozen=True)
class Reply:
    """What goes back over HTTP."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class RestApi:
    """Answers requests; knows nothing of sockets."""

    def __init__(
        self, manager: ModelManager, metrics: ServerMetrics, limits: Limits = DEFAULT_LIMITS
    ):
        self._manager = manager
        self._metrics = metrics
        self._limits = limits
        self._calls = Calls(metrics, "REST", manager.knows)
        self._answers: Mapping[
            str, Callable[[Servable, str, int, dict[str, Any], Caller], bytes]
        ] = {
            "predict": self._predict,
            "classify": self._classify,
            "regress": self._regress,
        }

    def handle(self, method: str, path: str, body: bytes, caller: Caller = ANYBODY) -> Reply:
        """The reply to one request; whatever goes wrong is a reply too.

        Args:
            path: without the query.
            body: unpacked.
            caller: who wants it.
        """
        if method == "GET" and path == METRICS_PATH:
            return Reply(200, self._metrics.page().encode(), "text/plain")
        if not path.lower().startswith("/v1/"):
            return Reply(404, b"")
        try:
            return self._route(method, path, body, caller)
        except Exception as exception:
            return error_reply(from_exception(exception))

    def _route(self, method: str, path: str, body: bytes, caller: Caller) -> Reply:
        if method == "POST" and (match := _PREDICTION.fullmatch(path)):
            name, version, label, verb = match.groups()
            return self._infer(_spec(name, version, label), verb.lower(), body, caller)
        if method == "GET" and (match := _STATUS.fullmatch(path)):
            name, version, label, metadata = match.groups()
            spec = _spec(name, version, label)
            return Reply(200, self._metadata(spec) if metadata else self._status(spec))
        if method == "GET" and _NO_MODEL.fullmatch(path):
            raise invalid_argument("Missing model name in request.")
        raise invalid_argument(f"Malformed request: {method} {path}")

    def _infer(self, spec: model_pb2.ModelSpec, verb: str, body: bytes, caller: Caller) -> Reply:
        api = verb.capitalize()
        failed: dict[int, str] = {}
        caller = self._calls.caller(api, spec.name, replace(caller, failed=failed.update))
        with (
            self._calls.measured(api, spec.name),
            self._manager.use(spec) as (version, servable),
        ):
            document = self._parsed(body, caller)
            answer = self._answers[verb](servable, spec.name, version, document, caller)
        return Reply(200, answer, headers={FAILED_ROWS: listed_rows(failed)} if failed else {})

    def _parsed(self, body: bytes, caller: Caller) -> dict[str, Any]:
        values = json_text.count_values(body)
        if values > self._limits.max_json_values:
            raise invalid_argument(
                f"The body holds about {values:,} values; the limit is "
                f"{self._limits.max_json_values:,}"
            )
        caller.take(BYTES_PER_VALUE * values)
        # The body itself is among the bytes that are paid for.
        caller.take(max(0, json_text.text_bytes(body) - (BYTES_PER_BYTE - 1) * len(body)))
        return json_text.parse(json_text.as_text(body))

    def _predict(
        self, servable: Servable, name: str, version: int, document: Document, caller: Caller
    ) -> bytes:
        def inputs_of(signature: str) -> Mapping[str, TensorSpec]:
            signature = signature or DEFAULT_SIGNATURE
            if signature not in servable.signatures:
                raise invalid_argument(
                    f'Serving signature name: "{signature}" not found in signature def'
                )
            if servable.signatures[signature].rowwise:
                check_rows(json_tensors.count_rows(document), self._limits)
            return servable.signatures[signature].inputs

        try:
            wanted, form, given = json_tensors.read_predict(document, inputs_of)
        except ServingError as error:
            raise _with_hint(error, document, servable) from error
        signature = servable.signatures[wanted or DEFAULT_SIGNATURE]
        inputs = bind_inputs(signature, given, lambda array, alias: array)
        outputs = predict_arrays(servable, signature, inputs, caller=caller, limits=self._limits)
        return json_tensors.write_predict(outputs, signature.outputs, form)

    def _classify(
        self, servable: Servable, name: str, version: int, document: Document, caller: Caller
    ) -> bytes:
        request = classification_pb2.ClassificationRequest()
        check_rows(json_examples.count_examples(document), self._limits)
        json_examples.fill_request(document, request)
        response = classify(servable, request, version, caller, self._limits)
        self._calls.count_examples(name, input_size(request.input))
        return json_examples.classification_body(response.result)

    def _regress(
        self, servable: Servable, name: str, version: int, document: Document, caller: Caller
    ) -> bytes:
        request = regression_pb2.RegressionRequest()
        check_rows(json_examples.count_examples(document), self._limits)
        json_examples.fill_request(document, request)
        response = regress(servable, request, version, caller, self._limits)
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
        # Python converts only so many digits.
        if len(version) > 19 or int(version) >= 2**63:
            raise invalid_argument(f"Failed to convert version: {version[:100]} to numeric.")
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


def error_reply(error: ServingError) -> Reply:
    """The reply to a request that failed."""
    return Reply(_HTTP_STATUS.get(error.code, 500), json_text.error_body(error.details()))


def _with_hint(
    error: ServingError, document: Mapping[str, Any], servable: Servable
) -> ServingError:
    """The error, with the signature that takes the inputs given, where none was named."""
    instances = document.get("instances", document.get("inputs"))
    first = instances[0] if isinstance(instances, list) and instances else instances
    if "signature_name" in document or not isinstance(first, dict) or json_text.is_base64(first):
        return error
    for name, signature in servable.signatures.items():
        if name != DEFAULT_SIGNATURE and first and set(first) <= set(signature.inputs):
            inputs = ", ".join(signature.inputs)
            return ServingError(
                error.code,
                f'{error.message}. Signature "{name}" has the inputs {inputs}: add '
                f'"signature_name": "{name}"',
            )
    return error


def _pretty(document: dict) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
