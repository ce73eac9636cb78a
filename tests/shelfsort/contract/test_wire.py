"""The declared messages are TF Serving's: checked against its own, which import TensorFlow."""

import re
from pathlib import Path

import pytest

from shelfsort.client.messages import Row, request
from shelfsort.contract import wire
from shelfsort.contract.signatures import NO_PRICE


def declared_in(proto: str) -> dict[str, set[tuple[int, str, str]]]:
    """Message → {(number, type, name)} of a .proto file without nested messages."""
    text = re.sub(r"//.*", "", proto)
    text = re.sub(r"map<string, (\w+)>", r"map \1", text)
    field = re.compile(r"((?:(?:repeated|map) )?\w+) (\w+) = (\d+);")
    return {
        message: {(int(number), kind, name) for kind, name, number in field.findall(body)}
        for message, body in re.findall(r"message (\w+) {([^}]*)}", text)
    }


def test_the_proto_file_for_other_languages_declares_the_same_fields():
    proto = Path(wire.__file__).with_name("predict.proto").read_text("utf-8")
    assert declared_in(proto) == {
        message: set(fields) for message, fields in wire._MESSAGES.items()
    }
    service, method = wire.PREDICT_METHOD.strip("/").split("/")
    assert service == "tensorflow.serving.PredictionService"
    assert f"rpc {method}(PredictRequest) returns (PredictResponse);" in proto


@pytest.fixture(scope="module")
def predict_pb2():
    return pytest.importorskip("tensorflow_serving.apis.predict_pb2")


def fields_of(descriptor) -> dict[int, tuple]:
    """Number → (name, wire kind, repeated) of every field; enums count as int32."""
    return {
        field.number: (
            field.name,
            field.TYPE_INT32 if field.type == field.TYPE_ENUM else field.type,
            field.label == field.LABEL_REPEATED,
        )
        for field in descriptor.fields
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["PredictRequest", "PredictResponse"])
def test_every_declared_field_has_its_number_and_type(predict_pb2, name):
    def compare(ours, theirs):
        declared, real = fields_of(ours), fields_of(theirs)
        assert declared.items() <= real.items(), ours.full_name
        for field in ours.fields:
            if field.message_type is not None:
                compare(field.message_type, theirs.fields_by_number[field.number].message_type)

    compare(getattr(wire, name).DESCRIPTOR, getattr(predict_pb2, name).DESCRIPTOR)


@pytest.mark.slow
def test_a_request_is_read_by_tf_servings_own_message(predict_pb2):
    from tensorflow.python.framework.tensor_util import MakeNdarray

    rows = [Row("Bücher".encode(), b"", b"\xff\xd8\xff\x00", NO_PRICE), Row(b"b", b"c", b"", 2.5)]
    ours = request(rows, "shop", version=4, label=None)
    theirs = predict_pb2.PredictRequest.FromString(ours.SerializeToString())
    assert theirs.model_spec.version.value == 4
    assert theirs.model_spec.signature_name == "predict_raw"
    assert MakeNdarray(theirs.inputs["title"]).tolist() == ["Bücher".encode(), b"b"]
    assert MakeNdarray(theirs.inputs["image"]).tolist() == [b"\xff\xd8\xff\x00", b""]
    assert MakeNdarray(theirs.inputs["price"]).tolist() == [NO_PRICE, 2.5]
    assert wire.PredictRequest.FromString(theirs.SerializeToString()) == ours
