"""The warm-up requests that travel with a model: a server that cannot answer them won't load it."""

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from components.serving_check.loaders import ServedModel
from components.serving_check.problems import error_line
from shelfsort.contract.model_files import WARM_UP
from shelfsort.core.storage import join

# TensorFlow Serving refuses a model with more.
_MOST_RECORDS = 1000


def warm_up_problems(model_dir: str, model: ServedModel) -> list[str]:
    """Reads the warm-up file as a server would and runs each of its Predict requests."""
    path = join(model_dir, WARM_UP)
    if not tf.io.gfile.exists(path):
        return [f"{WARM_UP} is missing"]
    dataset = tf.data.TFRecordDataset(path).take(_MOST_RECORDS + 1)
    logs = [PredictionLog.FromString(record) for record in dataset.as_numpy_iterator()]
    if not logs:
        return [f"{WARM_UP} holds no request"]
    if len(logs) > _MOST_RECORDS:
        return [f"{WARM_UP} holds more than {_MOST_RECORDS} requests, which a server refuses"]
    return [
        problem for number, log in enumerate(logs, 1) for problem in _replayed(number, log, model)
    ]


def _replayed(number: int, log: PredictionLog, model: ServedModel) -> list[str]:
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        request = log.predict_log.request
        signature = request.model_spec.signature_name or "serving_default"
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
    elif kind == "classify_log":
        request = log.classify_log.request
        signature = request.model_spec.signature_name or "classify"
        examples = request.input.example_list.examples
        inputs = {"inputs": np.array([e.SerializeToString() for e in examples], object)}
    else:
        return [f"request {number} is of a kind that this model does not answer: {kind}"]
    try:
        model.ask(signature, inputs)
    except (KeyError, ValueError, tf.errors.OpError) as error:
        return [f"request {number} ({signature}) fails: {error_line(error)}"]
    return []
