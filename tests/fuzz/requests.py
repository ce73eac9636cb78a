"""Arbitrary requests to the model server: tensors over gRPC, and bodies over REST."""

import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import classification_pb2

from serving.server import json_examples, json_tensors, json_text
from serving.server.limits import DEFAULT_LIMITS
from serving.server.servable import TensorSpec
from serving.status import MAX_DETAIL_CHARACTERS, ServingError
from serving.tensor_limits import MAX_FILLED_BYTES
from serving.tensors import decode

_NUMBERS = ["half_val", "int_val", "int64_val", "uint32_val", "bool_val", "float_val"]
_SIZES = [-1, 0, 1, 2, 1000, 2**20, 2**31, 2**62]
_SPECS = {"x": TensorSpec("x:0", types_pb2.DT_FLOAT, (-1,)), "s": TensorSpec("s:0", 7, (-1,))}


@given(
    st.integers(0, 40),
    st.lists(st.sampled_from(_SIZES), max_size=4),
    st.dictionaries(st.sampled_from(_NUMBERS), st.lists(st.integers(0, 1), max_size=3), max_size=2),
    st.lists(st.binary(max_size=5), max_size=3),
    st.binary(max_size=16),
)
def tensors(dtype, dims, fields, texts, content) -> None:
    """A tensor is refused, or takes as much as it holds and may be filled up with."""
    tensor = tensor_pb2.TensorProto(dtype=dtype, string_val=texts, tensor_content=content, **fields)
    for size in dims:
        tensor.tensor_shape.dim.add().size = size
    try:
        array = decode(tensor, "x")
    except ServingError as error:
        assert error.message == "tensor parsing error: x"
    else:
        assert array.nbytes <= MAX_FILLED_BYTES + 100


_KEYS = ["instances", "inputs", "examples", "context", "signature_name", "b64", "x", "s"]
# Half surrogate pairs, too.
_texts = st.text(st.characters(codec=None), max_size=8)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(_KEYS) | _texts, inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.binary(max_size=80) | _json.map(lambda value: json.dumps(value).encode()))
def rest_bodies(body: bytes) -> None:
    """A body is read, or refused in words that fit into an answer."""
    assert json_text.count_values(body) <= DEFAULT_LIMITS.max_json_values
    for read in (_as_predict, _as_classify):
        try:
            read(json_text.parse(json_text.as_text(body)))
        except ServingError as error:
            assert len(error.details()) <= MAX_DETAIL_CHARACTERS + len("...TRUNCATED")


def _as_predict(document: dict) -> None:
    json_tensors.read_predict(document, lambda name: {} if name else _SPECS)


def _as_classify(document: dict) -> None:
    json_examples.fill_request(document, classification_pb2.ClassificationRequest())
