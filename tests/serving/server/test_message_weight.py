"""What a gRPC message takes once it is parsed is known, and refused, before it is parsed."""

import grpc
import pytest
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2
from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.example import example_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    inference_pb2,
    predict_pb2,
)

from serving.server.budget import BYTES_PER_FIELD, BYTES_PER_NUMBER
from serving.server.limits import DEFAULT_LIMITS, MAX_CONTROL_BYTES
from serving.server.message_weight import LIGHT_BYTES, weigh
from serving.status import ServingError

CODE = grpc.StatusCode
MANY = 10**6
PREDICT = predict_pb2.PredictRequest
CLASSIFY = classification_pb2.ClassificationRequest


def field(number, content):
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def varint(number):
    groups = []
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])


def request_of(tensor):
    return field(2, field(1, b"x") + field(2, tensor))


# A few bytes each, of which parsing makes hundreds.
AMPLIFIED = {
    "inputs": (PREDICT, b"\x12\x00"),
    "tensors": (PREDICT, b"\x12\x02\x12\x00"),
    "filters": (PREDICT, b"\x1a\x00"),
    "tasks": (inference_pb2.MultiInferenceRequest, b"\x0a\x00"),
    "fields of metadata": (get_model_metadata_pb2.GetModelMetadataRequest, b"\x12\x00"),
    "groups of no meaning": (PREDICT, b"\xf3\x01\xf4\x01"),
}


@pytest.mark.parametrize(("kind", "repeated"), AMPLIFIED.values(), ids=AMPLIFIED)
def test_many_small_fields_are_refused(kind, repeated):
    message = repeated * 200_000
    with pytest.raises(ServingError) as refusal:
        weigh(kind, message, 100_000)
    assert refusal.value.code is CODE.INVALID_ARGUMENT
    assert refusal.value.message == "The message holds more than 100,000 fields, the limit"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (PREDICT, request_of(b"\x42\x00" * 50_000)),
        (PREDICT, request_of(field(2, b"\x12\x00" * 50_000))),
        (PREDICT, request_of(b"\x72\x00" * 50_000)),
        (CLASSIFY, field(2, field(1, b"\x0a\x00" * 50_000))),
        (CLASSIFY, field(2, field(2, field(2, field(1, b"\x0a\x00" * 50_000))))),
        (example_pb2.Example, field(1, field(1, field(2, field(1, b"\x0a\x00" * 50_000))))),
    ],
    ids=["strings", "dimensions", "resources", "examples", "features", "values"],
)
def test_small_fields_are_found_inside_others(kind, message):
    assert weigh(kind, message, MANY) == pytest.approx(BYTES_PER_FIELD * 50_000, rel=0.001)


def test_texts_and_images_count_one_field_each_whatever_they_hold():
    request = PREDICT()
    request.inputs["image"].string_val.extend([b"\x12\x00" * 20_000] * 3)
    assert weigh(PREDICT, request.SerializeToString(), MANY) == BYTES_PER_FIELD * (3 + 3)


@pytest.mark.parametrize(
    ("values", "numbers"),
    [({"float_val": [1.0] * 30_000}, 30_000), ({"double_val": [1.0] * 30_000}, 30_000),
     ({"int64_val": [1] * 30_000}, 30_000)],
    ids=["float", "double", "int64"],
)  # fmt: skip
def test_each_number_of_a_packed_list_counts(values, numbers):
    request = PREDICT()
    for name, listed in values.items():
        getattr(request.inputs["x"], name).extend(listed)
    weight = weigh(PREDICT, request.SerializeToString(), MANY)
    assert weight == BYTES_PER_FIELD * 4 + BYTES_PER_NUMBER * numbers


def test_a_message_of_an_everyday_size_is_not_looked_at():
    assert weigh(PREDICT, b"\x12\x00" * (LIGHT_BYTES // 2), 1) == 0


def test_a_nested_message_does_not_hide_its_fields_behind_a_length_that_is_too_large():
    message = field(2, b"\x12\x7f" + b"\x12\x00" * 20_000)
    with pytest.raises(ServingError):
        weigh(PREDICT, message, 10_000)


@given(st.binary(max_size=100), st.sampled_from([PREDICT, CLASSIFY]))
def test_any_bytes_are_weighed_or_refused(content, kind):
    message = content * (LIGHT_BYTES // max(1, len(content)) + 1)
    try:
        weight = weigh(kind, message, 1000)
    except ServingError as error:
        assert error.code is CODE.INVALID_ARGUMENT
        return
    try:
        kind.FromString(message)
    except DecodeError:
        return
    assert weight > 0 or not message


def test_a_request_of_many_fields_is_refused_before_it_is_parsed(client):
    call = client.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    with pytest.raises(grpc.RpcError) as refusal:
        call(b"\x12\x02\x12\x00" * 150_000, timeout=60)
    assert refusal.value.code() is CODE.INVALID_ARGUMENT
    assert f"{DEFAULT_LIMITS.max_message_fields:,} fields" in refusal.value.details()


@pytest.mark.parametrize(
    "method",
    [
        "/tensorflow.serving.PredictionService/GetModelMetadata",
        "/tensorflow.serving.ModelService/GetModelStatus",
        "/grpc.health.v1.Health/Check",
    ],
)
def test_a_call_for_no_inference_brings_a_short_message(serving, client_of, base_path, method):
    client = client_of(serving(base_path, health_service=True))
    call = client.channel.unary_unary(method)
    large = health_pb2.HealthCheckRequest(service="x" * MAX_CONTROL_BYTES).SerializeToString()
    with pytest.raises(grpc.RpcError) as refusal:
        call(large, timeout=60)
    assert refusal.value.code() is CODE.RESOURCE_EXHAUSTED


def test_an_example_of_many_fields_in_a_tensor_fails_its_row(client):
    listed = b"\x0a\x00" * (DEFAULT_LIMITS.max_message_fields + 1)
    bomb = field(1, field(1, field(1, b"x") + field(2, field(1, listed))))
    spec = client.spec(signature="regress")
    with pytest.raises(grpc.RpcError) as refusal:
        client.predict(spec, inputs=[bomb])
    assert refusal.value.code() is CODE.INVALID_ARGUMENT
    assert "row 0: The message holds more than" in refusal.value.details()
