"""Writes the served model's directory: SavedModel, warm-up requests and lineage."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from shelfsort.contract.model_files import HELD_OUT, LINEAGE, WARM_UP, lineage_document
from shelfsort.contract.signatures import INPUTS, PREDICT_RAW, SERVING_DEFAULT
from shelfsort.core.files import write_bytes
from shelfsort.training.held_out import HeldOut
from shelfsort.training.served_model import ServedModel

# A server meets single products and full batches; each shape is traced and planned once.
_WARM_UP_BATCHES = (1, 8, 32)


def write_served_model(
    directory: str,
    model: ServedModel,
    *,
    name: str,
    products: Sequence[bytes],
    lineage: dict[str, Any],
    held_out: HeldOut | None = None,
) -> None:
    """Saves `model` under `directory` with what a server needs to start warm.

    Args:
        directory: new; local or any file system that TensorFlow knows.
        model: to be saved with all its signatures.
        name: the model's name in the warm-up requests.
        products: serialised tf.Examples to warm up with; labels in them are ignored.
        lineage: goes to `assets.extra/shelfsort.json`.
        held_out: the answers that thresholds were fitted on; None leaves them out.
    """
    tf.saved_model.save(model, directory, signatures=model.signatures())
    tf.io.gfile.makedirs(str(PurePosixPath(directory, "assets.extra")))
    with tf.io.TFRecordWriter(f"{directory}/{WARM_UP}") as writer:
        for log in _warm_up_logs(name, products):
            writer.write(log.SerializeToString())
    if held_out is not None:
        write_bytes(f"{directory}/{HELD_OUT}", held_out.to_bytes())
    write_bytes(f"{directory}/{LINEAGE}", lineage_document(lineage))


def _warm_up_logs(name: str, products: Sequence[bytes]):
    for size in _WARM_UP_BATCHES:
        batch = [products[i % len(products)] for i in range(size)] if products else []
        if batch:
            yield _predict_log(name, SERVING_DEFAULT, {"examples": tf.make_tensor_proto(batch)})
            yield _predict_log(name, PREDICT_RAW, _raw_inputs(batch))


def _predict_log(name: str, signature: str, inputs: dict) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for key, tensor in inputs.items():
        request.inputs[key].CopyFrom(tensor)
    return prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )


def _raw_inputs(products: Sequence[bytes]) -> dict:
    examples = [tf.train.Example.FromString(product) for product in products]
    return {
        each.name: tf.make_tensor_proto(
            [each.value_in(example) for example in examples], tf.as_dtype(each.dtype)
        )
        for each in INPUTS
    }
