"""Classify, Regress and MultiInference: the APIs that take tf.Examples, for one loaded version."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    input_pb2,
    model_pb2,
    regression_pb2,
)

from serving.server.calls import ANYBODY, Caller
from serving.server.limits import DEFAULT_LIMITS, Limits
from serving.server.rows import check_rows, run_rows
from serving.server.servable import (
    DEFAULT_SIGNATURE,
    Servable,
    Signature,
    check_types,
    types_of,
)
from serving.status import failed_precondition, invalid_argument, unimplemented

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
_INPUTS, _CLASSES, _SCORES, _OUTPUTS = "inputs", "classes", "scores", "outputs"
# Of a product whose image is broken: 0 would read as an answer.
_NO_NUMBER = math.nan


def classify(
    servable: Servable,
    request: classification_pb2.ClassificationRequest,
    version: int,
    caller: Caller = ANYBODY,
    limits: Limits = DEFAULT_LIMITS,
) -> classification_pb2.ClassificationResponse:
    """Answers a ClassificationRequest: for each example its classes, in the model's order.

    Raises:
        ServingError: no such signature, one of another form, no examples, or the graph failed.
    """
    signature = _find_signature(servable, request.model_spec.signature_name)
    _check_classification(signature)
    examples = serialized_examples(request.input, limits)
    results = _run(servable, signature, examples, caller, limits)
    response = classification_pb2.ClassificationResponse()
    _fill_spec(response.model_spec, request.model_spec.name, signature, version)
    _fill_classifications(response.result, signature, results, len(examples))
    return response


def regress(
    servable: Servable,
    request: regression_pb2.RegressionRequest,
    version: int,
    caller: Caller = ANYBODY,
    limits: Limits = DEFAULT_LIMITS,
) -> regression_pb2.RegressionResponse:
    """Answers a RegressionRequest: a number for each example, NaN for one whose image is broken.

    Raises:
        ServingError: as `classify`.
    """
    signature = _find_signature(servable, request.model_spec.signature_name)
    _check_regression(signature)
    examples = serialized_examples(request.input, limits)
    results = _run(servable, signature, examples, caller, limits, _NO_NUMBER)
    response = regression_pb2.RegressionResponse()
    _fill_spec(response.model_spec, request.model_spec.name, signature, version)
    _fill_regressions(response.result, signature, results, len(examples))
    return response


def multi_inference(
    servable: Servable,
    request: inference_pb2.MultiInferenceRequest,
    version: int,
    caller: Caller = ANYBODY,
    limits: Limits = DEFAULT_LIMITS,
) -> inference_pb2.MultiInferenceResponse:
    """Answers several classifications and regressions of the same examples.

    Each signature runs for itself: each other choice of signatures would be compiled.

    Raises:
        ServingError: as `classify`; tasks for different models or one signature twice;
            UNIMPLEMENTED for another method.
    """
    signatures = _plan(servable, request.tasks)
    examples = serialized_examples(request.input, limits)
    response = inference_pb2.MultiInferenceResponse()
    for task, signature in zip(request.tasks, signatures, strict=True):
        blank = 0.0 if task.method_name == CLASSIFY else _NO_NUMBER
        results = _run(servable, signature, examples, caller, limits, blank)
        answer = response.results.add()
        _fill_spec(answer.model_spec, task.model_spec.name, signature, version)
        if task.method_name == CLASSIFY:
            into = answer.classification_result
            _fill_classifications(into, signature, results, len(examples))
        else:
            _fill_regressions(answer.regression_result, signature, results, len(examples))
    return response


def serialized_examples(source: input_pb2.Input, limits: Limits = DEFAULT_LIMITS) -> list[bytes]:
    """The examples of an Input, serialised; a context's features stand in each of them.

    Raises:
        ServingError: INVALID_ARGUMENT when there are none or too many, or when the context would
            be copied into more bytes than a request may have.
    """
    check_rows(input_size(source), limits)
    if source.WhichOneof("kind") == "example_list_with_context":
        listed = source.example_list_with_context
        # Protocol Buffers merge what is concatenated, and the example's own features come last.
        context = listed.context.SerializeToString()
        if len(context) * len(listed.examples) > limits.max_message_bytes:
            raise invalid_argument(
                f"The context of {len(context):,} bytes is too large for {len(listed.examples)} "
                "examples"
            )
        examples = [context + example.SerializeToString() for example in listed.examples]
    else:
        examples = [example.SerializeToString() for example in source.example_list.examples]
    if not examples:
        raise invalid_argument("Input is empty.")
    return examples


def input_size(source: input_pb2.Input) -> int:
    """How many examples an Input holds."""
    return len(source.example_list.examples) or len(source.example_list_with_context.examples)


def _find_signature(servable: Servable, name: str) -> Signature:
    name = name or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        raise invalid_argument(f"No signature was found with the name: {name}")
    return servable.signatures[name]


def _plan(servable: Servable, tasks: Sequence[inference_pb2.InferenceTask]) -> list[Signature]:
    """The signature of each task."""
    signatures: list[Signature] = []
    for task in tasks:
        if not task.model_spec.name:
            raise invalid_argument("Found ModelSpec with an empty model name.")
        if task.model_spec.name != tasks[0].model_spec.name:
            raise invalid_argument(
                "All ModelSpecs in a MultiInferenceRequest must access the same model name."
            )
        name = task.model_spec.signature_name or DEFAULT_SIGNATURE
        if any(signature.name == name for signature in signatures):
            raise invalid_argument(f"Duplicate evaluation of signature: {name}")
        if name not in servable.signatures:
            raise invalid_argument(f"Requested signature not found in model graph: {name}")
        signatures.append(servable.signatures[name])
        _check_task(task.method_name, signatures[-1])
    return signatures


def _check_task(method: str, signature: Signature) -> None:
    if method == CLASSIFY:
        _check_classification(signature)
    elif method == REGRESS:
        _check_regression(signature)
    else:
        raise unimplemented(f"Unsupported signature method_name: {method}")


def _check_classification(signature: Signature) -> None:
    _check_one_input(signature, "classification")
    if len(signature.outputs) not in (1, 2):
        raise invalid_argument(
            f"Expected one or two output Tensors, found {len(signature.outputs)}"
        )
    if not {_CLASSES, _SCORES} & set(signature.outputs):
        raise failed_precondition(
            "Expected classification signature outputs to contain at least one of "
            f'"{_CLASSES}" or "{_SCORES}". Signature was: {signature.definition}'
        )


def _check_regression(signature: Signature) -> None:
    _check_one_input(signature, "regression")
    if len(signature.outputs) != 1:
        raise invalid_argument("Expected one output Tensor.")
    if _OUTPUTS not in signature.outputs:
        raise failed_precondition(
            f"No regression outputs found in SignatureDef: {signature.definition}"
        )


def _check_one_input(signature: Signature, what: str) -> None:
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if _INPUTS not in signature.inputs:
        raise failed_precondition(f"No {what} inputs found in SignatureDef: {signature.definition}")


def _run(
    servable: Servable,
    signature: Signature,
    examples: Sequence[bytes],
    caller: Caller,
    limits: Limits,
    blank: float = 0.0,
) -> Mapping[str, np.ndarray]:
    """Arrays by output alias; see `run_rows`."""
    batch = np.empty(len(examples), dtype=object)
    batch[:] = examples
    inputs = {_INPUTS: batch}
    check_types(signature, types_of(inputs))
    return run_rows(servable, signature, inputs, caller, limits, blank)


def _fill_spec(into: model_pb2.ModelSpec, name: str, signature: Signature, version: int) -> None:
    into.name = name
    into.signature_name = signature.name
    into.version.value = version


def _fill_classifications(
    into: classification_pb2.ClassificationResult,
    signature: Signature,
    results: Mapping[str, np.ndarray],
    count: int,
) -> None:
    classes = _class_output(signature, _CLASSES, types_pb2.DT_STRING, results, count)
    scores = _class_output(signature, _SCORES, types_pb2.DT_FLOAT, results, count)
    if classes is not None and scores is not None and classes.shape[1] != scores.shape[1]:
        raise invalid_argument(
            "Tensors class and score should match in dim_size(1). "
            f"Got {classes.shape[1]} vs. {scores.shape[1]}"
        )
    width = (classes if classes is not None else scores).shape[1]
    labels = classes.tolist() if classes is not None else [[b""] * width] * count
    values = scores.tolist() if scores is not None else [[0.0] * width] * count
    for names, numbers in zip(labels, values, strict=True):
        answer = into.classifications.add()
        for label, score in zip(names, numbers, strict=True):
            answer.classes.add(label=_text(label), score=score)


def _class_output(
    signature: Signature,
    alias: str,
    dtype: int,
    results: Mapping[str, np.ndarray],
    count: int,
) -> np.ndarray | None:
    """The output of that alias, checked to be [count, classes]; None when there is none."""
    spec = signature.outputs.get(alias)
    if spec is None:
        return None
    array = results[alias]
    if array.ndim != 2:
        raise invalid_argument(
            "Expected Tensor shape: [batch_size num_classes] but got "
            f"[{','.join(map(str, array.shape))}]"
        )
    if spec.dtype != dtype:
        raise invalid_argument(
            f"Expected {alias} Tensor of {types_pb2.DataType.Name(dtype)}. "
            f"Got: {types_pb2.DataType.Name(spec.dtype)}"
        )
    if array.shape[0] != count:
        raise invalid_argument(
            f"Expected {alias} output batch size of {count}. Got: {array.shape[0]}"
        )
    return array


def _text(label: bytes) -> str:
    """The label for a proto string field, which holds UTF-8 only."""
    return label.decode("utf-8", errors="replace")


def _fill_regressions(
    into: regression_pb2.RegressionResult,
    signature: Signature,
    results: Mapping[str, np.ndarray],
    count: int,
) -> None:
    spec = signature.outputs[_OUTPUTS]
    array = results[_OUTPUTS]
    if array.ndim != 1 and not (array.ndim == 2 and array.shape[1] == 1):
        raise invalid_argument(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"[{','.join(map(str, array.shape))}]"
        )
    if array.shape[0] != count:
        raise invalid_argument(
            f"Input batch size did not match output batch size: {count} vs. {array.shape[0]}"
        )
    if spec.dtype != types_pb2.DT_FLOAT:
        raise invalid_argument(
            f"Expected output Tensor of DT_FLOAT.  Got: {types_pb2.DataType.Name(spec.dtype)}"
        )
    for value in array.ravel().tolist():
        into.regressions.add(value=value)
