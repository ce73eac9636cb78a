"""TensorProto to NumPy and back, against TensorFlow's own conversions."""

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tensorflow.core.framework import tensor_pb2, types_pb2

from serving.status import ServingError
from serving.tensors import decode, encode

DTYPES = ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "uint32", "uint64", "?"]
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
)


@given(ARRAYS)
def test_what_is_encoded_tensorflow_reads(array):
    proto = tensor_pb2.TensorProto()
    encode(array, tf.as_dtype(array.dtype).as_datatype_enum, proto)
    np.testing.assert_array_equal(tf.make_ndarray(proto), array)


@given(ARRAYS)
def test_what_tensorflow_encodes_is_read(array):
    proto = tf.make_tensor_proto(array)
    decoded = decode(proto, "x")
    assert decoded.dtype == array.dtype
    np.testing.assert_array_equal(decoded, array)


@given(ARRAYS)
def test_typed_fields_are_read_as_tensor_content_is(array):
    proto = tensor_pb2.TensorProto()
    encode(array, tf.as_dtype(array.dtype).as_datatype_enum, proto)
    decoded = decode(tensor_pb2.TensorProto.FromString(proto.SerializeToString()), "x")
    np.testing.assert_array_equal(decoded, array)


@given(st.lists(st.binary(max_size=5), max_size=6))
def test_strings_come_back(values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    proto = tensor_pb2.TensorProto()
    encode(array, types_pb2.DT_STRING, proto)
    assert decode(proto, "s").tolist() == values


def test_half_floats_come_back():
    array = np.array([0.5, -2.0], np.float16)
    proto = tensor_pb2.TensorProto()
    encode(array, types_pb2.DT_HALF, proto)
    np.testing.assert_array_equal(decode(proto, "x"), array)


@given(st.binary(max_size=60))
def test_garbage_is_a_tensor_or_a_parsing_error(data):
    try:
        proto = tensor_pb2.TensorProto.FromString(data)
    except DecodeError:
        return
    try:
        decode(proto, "x")
    except ServingError as error:
        assert error.message == "tensor parsing error: x"


@pytest.mark.parametrize(
    "fields",
    [
        {"dtype": types_pb2.DT_INVALID},
        {"dtype": types_pb2.DT_FLOAT, "tensor_shape": {"dim": [{"size": -1}]}},
        {"dtype": types_pb2.DT_FLOAT, "tensor_shape": {"unknown_rank": True}},
        {"dtype": types_pb2.DT_FLOAT, "tensor_content": b"123"},
        {"dtype": types_pb2.DT_STRING, "tensor_shape": {"dim": [{"size": 2**40}]}},
        {"dtype": 999},
    ],
)
def test_what_makes_no_tensor_is_refused(fields):
    with pytest.raises(ServingError, match="tensor parsing error: x"):
        decode(tensor_pb2.TensorProto(**fields), "x")
