"""From one record of a serving log to the products that were asked about.

A record is a `PredictionLog`, as TF Serving's request logging writes it, or a tf.Example. It comes
from clients, so nothing in it is believed.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import input_pb2
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from components.drift_check.profile import Product
from serving.status import ServingError
from serving.tensors import decode
from shelfsort.contract.signatures import INPUT_NAMES
from shelfsort.products.example import first_value
from shelfsort.products.groups import group_id, group_key

MAX_PRODUCTS = 10_000
"""Of one request; a message of a few bytes may claim any number."""

_MAX_TEXT_CHARS = 20_000


class UnreadableRequestError(ValueError):
    """The record is no request about products; says why."""


def products_of(record: bytes) -> list[Product]:
    """The products in a record, in their order.

    Raises:
        UnreadableRequestError: it is neither a tf.Example nor a log of a Predict, Classify,
            Regress or MultiInference request with our inputs.
    """
    digest = hashlib.blake2b(record, digest_size=8).hexdigest()
    try:
        log = PredictionLog.FromString(record)
        kind = log.WhichOneof("log_type")
        if kind is None:
            return [_from_example(_example(record), digest)]
        request = getattr(log, kind).request
        if kind == "predict_log":
            return list(_from_inputs(request.inputs, digest))
        if hasattr(request, "input"):
            return _from_examples(_listed(request.input), digest)
    except (DecodeError, ServingError, TypeError, ValueError) as error:
        raise UnreadableRequestError(str(error)) from error
    raise UnreadableRequestError(f"{kind} holds no products")


def _example(content: bytes) -> tf.train.Example:
    example = tf.train.Example.FromString(content)
    if not example.features.feature:
        raise UnreadableRequestError("a tf.Example without features")
    return example


def _listed(given: input_pb2.Input) -> Sequence[tf.train.Example]:
    kind = given.WhichOneof("kind")
    if kind is None:
        raise UnreadableRequestError("a request without examples")
    return getattr(given, kind).examples


def _from_examples(examples: Sequence[tf.train.Example], digest: str) -> list[Product]:
    return [_from_example(example, f"{digest}-{number}") for number, example in enumerate(examples)]


def _from_example(example: tf.train.Example, product_id: str) -> Product:
    values = {name: first_value(example, name) for name in INPUT_NAMES}
    return _product(product_id, values)


def _from_inputs(inputs, digest: str) -> Iterator[Product]:
    if "examples" in inputs:
        serialised = _column(inputs["examples"], "examples")
        yield from _from_examples([_example(each) for each in serialised], digest)
        return
    columns = {name: _column(inputs[name], name) for name in INPUT_NAMES if name in inputs}
    if not columns or len({len(column) for column in columns.values()}) > 1:
        raise UnreadableRequestError("a Predict request without inputs of equal length")
    for number, row in enumerate(zip(*columns.values(), strict=True)):
        yield _product(f"{digest}-{number}", dict(zip(columns, row, strict=True)))


def _column(tensor: tensor_pb2.TensorProto, name: str) -> list:
    size = math.prod(dim.size for dim in tensor.tensor_shape.dim)
    if not 0 <= size <= MAX_PRODUCTS:
        raise UnreadableRequestError(f"{size:,} products; {MAX_PRODUCTS:,} are the most")
    return decode(tensor, name).reshape(-1).tolist()


def _product(product_id: str, values: dict[str, bytes | float | None]) -> Product:
    title, description = _text(values.get("title")), _text(values.get("description"))
    image, price = values.get("image") or b"", values.get("price")
    if not isinstance(image, bytes):
        raise UnreadableRequestError("a picture that is a number")
    # Clients that send whole columns fill up those without a price with NO_PRICE, which is below 0.
    known = isinstance(price, int | float | np.number) and price >= 0
    return Product(
        product_id=product_id,
        title=title,
        description=description,
        price=float(price) if known else None,
        has_picture=bool(image),
        group=group_id(group_key(title, image, description)),
    )


def _text(value: bytes | float | None) -> str:
    if value is None:
        return ""
    if not isinstance(value, bytes):
        raise UnreadableRequestError("words that are a number")
    return value[: 4 * _MAX_TEXT_CHARS].decode("utf-8", "replace")[:_MAX_TEXT_CHARS]
