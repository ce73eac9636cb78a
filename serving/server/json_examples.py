"""REST's JSON to tf.Examples, for classify and regress, and their results back to JSON."""

from collections.abc import Mapping
from typing import Any

from tensorflow.core.example import example_pb2, feature_pb2
from tensorflow_serving.apis import classification_pb2, regression_pb2

from serving.server import json_text
from serving.server.json_tensors import signature_name
from serving.status import invalid_argument

_KINDS = {"bytes_list": "bytes", "float_list": "float", "int64_list": "int64"}
_LARGEST_FLOAT = 3.4028234663852886e38


def count_examples(document: Mapping[str, Any]) -> int:
    """How many examples a request claims, before anything in them is read."""
    examples = document.get("examples")
    return len(examples) if isinstance(examples, list) else 0


def fill_request(
    document: Mapping[str, Any],
    request: classification_pb2.ClassificationRequest | regression_pb2.RegressionRequest,
) -> None:
    """Writes signature name, context and examples of a parsed body into a request.

    Raises:
        ServingError: INVALID_ARGUMENT, saying which feature cannot be one.
    """
    request.model_spec.signature_name = signature_name(document)
    examples = document.get("examples")
    target: Any = request.input.example_list
    if "context" in document:
        target = request.input.example_list_with_context
        _fill_example(document["context"], target.context)
    if "examples" not in document:
        raise invalid_argument("Missing 'examples' key")
    if not isinstance(examples, list):
        raise invalid_argument("'examples' must be a list")
    if not examples:
        raise invalid_argument("'examples' is empty")
    for example in examples:
        _fill_example(example, target.examples.add())


def _fill_example(value: Any, into: example_pb2.Example) -> None:
    if not isinstance(value, dict):
        raise invalid_argument(f"An example must be an object, not {json_text.show(value)}")
    # An example without features is one all the same.
    into.features.SetInParent()
    for name, content in value.items():
        feature = into.features.feature[json_text.as_name(name)]
        for element in content if isinstance(content, list) else [content]:
            _add(element, name, feature)


def _add(value: Any, name: str, feature: feature_pb2.Feature) -> None:
    """Appends one element; all elements of a feature must be of one kind."""
    if json_text.is_base64(value):
        _list_of("bytes_list", name, feature).value.append(json_text.from_base64(value))
    elif value is None or isinstance(value, (dict, list)):
        raise invalid_argument(
            f"Feature {name}: {json_text.show(value)} is no string, number, boolean or base64"
        )
    elif isinstance(value, str):
        _list_of("bytes_list", name, feature).value.append(json_text.to_bytes(value))
    elif isinstance(value, float):
        if _LARGEST_FLOAT < abs(value) < float("inf"):
            raise invalid_argument(
                f"Cannot convert JSON value: {json_text.show(value)} to float "
                "without loss of precision."
            )
        _list_of("float_list", name, feature).value.append(value)
    elif -(2**63) <= value < 2**63:
        _list_of("int64_list", name, feature).value.append(int(value))
    else:
        raise invalid_argument(f"Feature: {name} has uint64 element. Only int64 is supported.")


def _list_of(kind: str, name: str, feature: feature_pb2.Feature) -> Any:
    present = feature.WhichOneof("kind")
    if present not in (None, kind):
        raise invalid_argument(
            f"Unexpected element type in feature: {name} expecting type: {_KINDS[present]}"
        )
    return getattr(feature, kind)


def classification_body(result: classification_pb2.ClassificationResult) -> bytes:
    """`{"results": [[["label", score], …], …]}`."""
    rows = [
        [
            [json_text.quoted(c.label.encode()), json_text.decimal(c.score, single=True)]
            for c in classifications.classes
        ]
        for classifications in result.classifications
    ]
    if not rows:
        raise invalid_argument("Cannot convert empty ClassificationResults to JSON")
    text = ", ".join(json_text.on_one_line(row) for row in rows)
    return json_text.encode(f'{{\n    "results": [{text}\n    ]\n}}')


def regression_body(result: regression_pb2.RegressionResult) -> bytes:
    """`{"results": [number, …]}`."""
    numbers = [json_text.decimal(entry.value, single=True) for entry in result.regressions]
    if not numbers:
        raise invalid_argument("Cannot convert empty RegressionResults to JSON")
    return json_text.encode(f'{{\n    "results": {json_text.on_one_line(numbers)}\n}}')
