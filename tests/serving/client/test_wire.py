"""The declared messages are TF Serving's: checked against its own, which import TensorFlow."""

import pytest

from serving import wire
from serving.products import NO_PRICE, Row, request

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize("name", ["PredictRequest", "PredictResponse"])
def test_every_declared_field_has_its_number_and_type(predict_pb2, name):
    def compare(ours, theirs):
        declared, real = fields_of(ours), fields_of(theirs)
        assert declared.items() <= real.items(), ours.full_name
        for field in ours.fields:
            if field.message_type is not None:
                compare(field.message_type, theirs.fields_by_number[field.number].message_type)

    compare(getattr(wire, name).DESCRIPTOR, getattr(predict_pb2, name).DESCRIPTOR)


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
