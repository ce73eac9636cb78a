"""Measures what the answer for a product costs a model server: time, bytes and memory."""

import statistics
import time
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from components.serving_check.artifact import ServingCost
from components.serving_check.loaders import ServedModel
from shelfsort.contract.signatures import INPUTS_OF, SERVING_DEFAULT
from shelfsort.core.cost import PeakMemory

BATCH = 32
"""Products in a batch: what the servers compute at once (`max_execution_batch_size`)."""
_BUDGET_S = 1.0
_FEWEST = 3
_MILLISECONDS = 1000.0


def measure_cost(
    model: ServedModel, model_dir: str, requests: Sequence[bytes], peak: PeakMemory
) -> ServingCost:
    """Answers products alone and in batches, through `serving_default`, and adds up the cost.

    Each kind of request is repeated for about a second, and at least three times. Times are
    medians over the requests. A clock shows the load of the machine as well as the model; processor
    time depends on it much less.

    Args:
        model: loaded as a server loads it, and already asked once.
        model_dir: the folder of `saved_model.pb`.
        requests: serialised tf.Examples of real products, at least one.
        peak: since before the model was loaded.
    """
    rows = [np.array([request], object) for request in requests]
    batch = np.resize(np.array([*requests], object), BATCH)
    _ask(model, batch)
    alone, cpu_alone = _timed(model, rows)
    batched, cpu_batched = _timed(model, [batch])
    sizes = [_wire_bytes(model, row) for row in rows[:BATCH]]
    return ServingCost(
        milliseconds_alone=round(alone, 3),
        cpu_milliseconds_alone=round(cpu_alone, 3),
        milliseconds_in_batch=round(batched / BATCH, 3),
        cpu_milliseconds_in_batch=round(cpu_batched / BATCH, 3),
        batch=BATCH,
        request_bytes=round(statistics.fmean(request for request, _ in sizes)),
        response_bytes=round(statistics.fmean(response for _, response in sizes)),
        model_bytes=folder_bytes(model_dir),
        peak_memory_mb=peak.mb(),
        products=len(requests),
    )


def folder_bytes(folder: str) -> int:
    """The size of all files of a folder, a path or an address, in bytes."""
    return sum(
        tf.io.gfile.stat(f"{path}/{name}").length
        for path, _, names in tf.io.gfile.walk(folder)
        for name in names
    )


def _timed(model: ServedModel, requests: Sequence[np.ndarray]) -> tuple[float, float]:
    """Median milliseconds of a request, by the clock and of all processors."""
    clock: list[float] = []
    processor: list[float] = []
    until = time.monotonic() + _BUDGET_S
    while len(clock) < _FEWEST or time.monotonic() < until:
        request = requests[len(clock) % len(requests)]
        started, cpu_started = time.monotonic(), time.process_time()
        _ask(model, request)
        clock.append(time.monotonic() - started)
        processor.append(time.process_time() - cpu_started)
    return (
        _MILLISECONDS * statistics.median(clock),
        _MILLISECONDS * statistics.median(processor),
    )


def _ask(model: ServedModel, examples: np.ndarray) -> dict[str, np.ndarray]:
    (name,) = INPUTS_OF[SERVING_DEFAULT]
    return model.ask(SERVING_DEFAULT, {name: examples})


def _wire_bytes(model: ServedModel, examples: np.ndarray) -> tuple[int, int]:
    """The bytes of a gRPC request for these products and of its response."""
    (name,) = INPUTS_OF[SERVING_DEFAULT]
    request, response = predict_pb2.PredictRequest(), predict_pb2.PredictResponse()
    for message in (request, response):
        message.model_spec.name = "shelfsort"
        message.model_spec.signature_name = SERVING_DEFAULT
    request.inputs[name].CopyFrom(tf.make_tensor_proto(examples))
    for output, values in _ask(model, examples).items():
        response.outputs[output].CopyFrom(tf.make_tensor_proto(values))
    return request.ByteSize(), response.ByteSize()
