"""Predict: from a request's tensors to the answer's, for one loaded version."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import predict_pb2

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
from serving.status import failed_precondition, invalid_argument
from serving.tensors import decode, encode, is_decodable, parsing_error

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
    limits: Limits = DEFAULT_LIMITS,
) -> dict[str, np.ndarray]:
    """Runs a signature.

    Args:
        inputs: an array for every input alias.
        output_filter: the aliases wanted; empty for all.
        caller: who wants the answer.
        limits: of rows and images.

    Returns:
        Arrays by output alias, in alphabetical order or in the filter's.

    Raises:
        ServingError: the inputs do not fit the signature or the limits, or the graph failed.
    """
    wanted = _choose_outputs(signature, output_filter)
    check_types(signature, types_of(inputs))
    outputs = run_rows(servable, signature, inputs, caller, limits)
    return {alias: outputs[alias] for alias in wanted}


def predict(
    servable: Servable,
    request: predict_pb2.PredictRequest,
    version: int,
    caller: Caller = ANYBODY,
    limits: Limits = DEFAULT_LIMITS,
) -> predict_pb2.PredictResponse:
    """Answers a PredictRequest; raises ServingError as `predict_arrays` does."""
    signature = find_signature(servable, request.model_spec.signature_name)
    _choose_outputs(signature, request.output_filter)
    _check_tensors(signature, request.inputs, limits)
    inputs = bind_inputs(signature, request.inputs, decode)
    outputs = predict_arrays(servable, signature, inputs, request.output_filter, caller, limits)
    response = predict_pb2.PredictResponse()
    response.model_spec.name = request.model_spec.name
    response.model_spec.version.value = version
    response.model_spec.signature_name = signature.name
    for alias, array in outputs.items():
        encode(array, signature.outputs[alias].dtype, response.outputs[alias])
    return response


def _check_tensors(
    signature: Signature, tensors: Mapping[str, tensor_pb2.TensorProto], limits: Limits
) -> None:
    """Refuses what does not fit by its type and number of rows, before anything is decoded."""
    _check_count(signature, tensors)
    for alias, tensor in tensors.items():
        if not is_decodable(tensor.dtype):
            raise parsing_error(alias)
        if signature.rowwise and tensor.tensor_shape.dim:
            check_rows(tensor.tensor_shape.dim[0].size, limits)
    check_types(signature, {alias: tensor.dtype for alias, tensor in tensors.items()})


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


def _choose_outputs(signature: Signature, wanted: Sequence[str]) -> Sequence[str]:
    if not wanted:
        return list(signature.outputs)
    chosen: dict[str, None] = {}
    for alias in wanted:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in "
                f"the set {{{_listed(signature.outputs)}}}."
            )
        if alias in chosen:
            raise invalid_argument(f"duplicate output tensor alias: {alias}")
        chosen[alias] = None
    return list(chosen)
