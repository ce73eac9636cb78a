"""Predict: from a request's tensors to the answer's, for one loaded version."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from tensorflow_serving.apis import predict_pb2

from serving.server.calls import ANYBODY, Caller
from serving.server.servable import (
    DEFAULT_SIGNATURE,
    Servable,
    Signature,
    TensorSpec,
    check_types,
    rowwise,
)
from serving.status import failed_precondition, invalid_argument
from serving.tensors import decode, encode

Value = TypeVar("Value")


def find_signature(servable: Servable, name: str) -> Signature:
    """The signature of that name, or the default one for an empty name.

    Raises:
        ServingError: FAILED_PRECONDITION when there is none.
    """
    name = name or DEFAULT_SIGNATURE
    signature = servable.signatures.get(name)
    if signature is None:
        raise failed_precondition(f'Serving signature key "{name}" not found.')
    return signature


def predict_arrays(
    servable: Servable,
    signature: Signature,
    inputs: Mapping[str, np.ndarray],
    output_filter: Sequence[str] = (),
    caller: Caller = ANYBODY,
) -> dict[str, np.ndarray]:
    """Runs a signature.

    Args:
        inputs: an array for every input alias.
        output_filter: the aliases wanted; empty for all.
        caller: who wants the answer.

    Returns:
        Arrays by output alias, in alphabetical order or in the filter's.

    Raises:
        ServingError: the inputs do not fit the signature, or the graph failed on them.
    """
    outputs = _choose_outputs(signature, output_filter)
    check_types(signature, inputs)
    feeds = {signature.inputs[alias].tensor: array for alias, array in inputs.items()}
    fetches = list(outputs.values())
    together = rowwise(list(signature.inputs.values()), fetches)
    results = servable.run(feeds, fetches, together, caller)
    return dict(zip(outputs, results, strict=True))


def predict(
    servable: Servable,
    request: predict_pb2.PredictRequest,
    version: int,
    caller: Caller = ANYBODY,
) -> predict_pb2.PredictResponse:
    """Answers a PredictRequest; raises ServingError as `predict_arrays` does."""
    signature = find_signature(servable, request.model_spec.signature_name)
    inputs = bind_inputs(signature, request.inputs, decode)
    outputs = predict_arrays(servable, signature, inputs, request.output_filter, caller)
    response = predict_pb2.PredictResponse()
    response.model_spec.name = request.model_spec.name
    response.model_spec.version.value = version
    response.model_spec.signature_name = signature.name
    for alias, array in outputs.items():
        encode(array, signature.outputs[alias].dtype, response.outputs[alias])
    return response


def _check_count(signature: Signature, given: Iterable[str]) -> None:
    sent, known = set(given), set(signature.inputs)
    if len(sent) > len(known) or (len(sent) < len(known) and not signature.defaults):
        raise invalid_argument(
            f"input size does not match signature: {len(sent)}!={len(known)} "
            f"len({{{_listed(sent)}}}) != len({{{_listed(known)}}}). "
            f"Sent extra: {{{_listed(sent - known)}}}. "
            f"Missing but required: {{{_listed(known - sent)}}}."
        )


def _listed(names: Iterable[str]) -> str:
    return ",".join(sorted(names))


def bind_inputs(
    signature: Signature, given: Mapping[str, Value], read: Callable[[Value, str], np.ndarray]
) -> dict[str, np.ndarray]:
    """An array for every input of the signature: the caller's, or the signature's default.

    Args:
        given: what the caller sent, by alias.
        read: makes an array of one of these, given its alias too.

    Raises:
        ServingError: INVALID_ARGUMENT: other inputs than the signature's, or one `read` refuses.
    """
    _check_count(signature, given)
    inputs, used = {}, []
    for alias, spec in signature.inputs.items():
        if alias in given:
            inputs[alias] = read(given[alias], alias)
            used.append(alias)
        elif alias in signature.defaults:
            inputs[alias] = signature.defaults[alias]
        else:
            raise invalid_argument(
                f"Signature input alias: {alias}(feed name: {spec.tensor}) not found in request "
                f"and no default value provided. Inputs expected to be in the request "
                f"{{{_listed(given)}}}, or default input alias set: {_listed(signature.defaults)}"
            )
    if len(used) != len(given):
        raise invalid_argument(
            f"Inputs contains invalid name. Used request inputs: {_listed(used)}, "
            f"request input: {_listed(given)}"
        )
    return inputs


def _choose_outputs(signature: Signature, wanted: Sequence[str]) -> dict[str, TensorSpec]:
    if not wanted:
        return dict(signature.outputs)
    chosen: dict[str, TensorSpec] = {}
    for alias in wanted:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in "
                f"the set {{{_listed(signature.outputs)}}}."
            )
        if alias in chosen:
            raise invalid_argument(f"duplicate output tensor alias: {alias}")
        chosen[alias] = signature.outputs[alias]
    return chosen
