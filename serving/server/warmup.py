"""Warm-up: answers the recorded requests of a version before anybody else's."""

from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from serving.server.examples import classify, multi_inference, regress
from serving.server.predict import predict
from serving.server.servable import Servable
from serving.status import ServingError, from_exception, invalid_argument, unimplemented
from shelfsort.core.storage import scheme

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
MAX_RECORDS = 1000

_ANSWERS = {
    "predict_log": predict,
    "classify_log": classify,
    "regress_log": regress,
    "multi_inference_log": multi_inference,
}


def warm_up(servable: Servable, version: int) -> int:
    """Replays the version's warm-up records, in their order.

    Returns:
        How many there were; 0 without a file.

    Raises:
        ServingError: more than 1,000 records, one that is no PredictionLog, or one that fails:
            a version that cannot answer what it was recorded to answer does not go live.
    """
    path = f"{servable.path.rstrip('/')}/{WARMUP_FILE}"
    if not (tf.io.gfile.exists(path) if scheme(path) else Path(path).exists()):
        return 0
    count = 0
    try:
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            count += 1
            if count > MAX_RECORDS:
                raise invalid_argument(
                    f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {path}"
                )
            _replay(servable, version, record, path)
    except tf.errors.DataLossError as error:
        raise ServingError(
            from_exception(error).code,
            f"{error.message}. Please verify your warmup data is in TFRecord format.",
        ) from error
    return count


def _replay(servable: Servable, version: int, record: bytes, path: str) -> None:
    try:
        log = prediction_log_pb2.PredictionLog.FromString(record)
    except DecodeError as error:
        raise invalid_argument(f"Failed to parse warmup record from {path}") from error
    kind = log.WhichOneof("log_type")
    if kind not in _ANSWERS:
        raise unimplemented(f"Unsupported log_type for warmup: {kind}")
    _ANSWERS[kind](servable, getattr(log, kind).request, version)
