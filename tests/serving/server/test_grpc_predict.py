"""TF Serving's behaviour, line by line: Predict, and how a model is found."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import predict_pb2

from serving.server.predict import predict_arrays

CODE = grpc.StatusCode


@dataclass(frozen=True)
class Refused:
    """A request that TF Serving refuses, and how."""

    behaviour: str
    request: Callable
    code: grpc.StatusCode
    details: str


def _without_spec(client):
    return predict_pb2.PredictRequest()


def _without_name(client):
    return client.predict_request(client.spec(name=""), x=[1.0])


def _filtered(*aliases):
    def request(client):
        request = client.predict_request(client.spec(signature="pair"), a=[1.0], b=[2.0])
        request.output_filter.extend(aliases)
        return request

    return request


def _torn(client):
    request = client.predict_request(x=[1.0])
    request.inputs["x"].ClearField("float_val")
    request.inputs["x"].tensor_content = b"123"
    return request


def _of(signature="", *, name="tiny", version=None, label=None, **inputs):
    def request(client):
        spec = client.spec(name, signature, version, label)
        return client.predict_request(spec, **inputs)

    return request


REFUSED = [
    Refused("no model_spec", _without_spec, CODE.INVALID_ARGUMENT, "Missing ModelSpec"),
    Refused(
        "a model_spec without a name",
        _without_name,
        CODE.INVALID_ARGUMENT,
        "ModelSpec has no name specified.",
    ),
    Refused(
        "an unknown model",
        _of(name="nobody", x=[1.0]),
        CODE.NOT_FOUND,
        "Servable not found for request: Latest(nobody)",
    ),
    Refused(
        "an unknown version",
        _of(version=7, x=[1.0]),
        CODE.NOT_FOUND,
        "Servable not found for request: Specific(tiny, 7)",
    ),
    Refused(
        "an unknown label",
        _of(label="canary", x=[1.0]),
        CODE.INVALID_ARGUMENT,
        "Unrecognized servable version label: canary",
    ),
    Refused(
        "an unknown signature",
        _of("nothing", x=[1.0]),
        CODE.FAILED_PRECONDITION,
        'Serving signature key "nothing" not found.',
    ),
    Refused(
        "too few inputs",
        _of("pair", a=[1.0]),
        CODE.INVALID_ARGUMENT,
        "input size does not match signature: 1!=2 len({a}) != len({a,b}). "
        "Sent extra: {}. Missing but required: {b}.",
    ),
    Refused(
        "too many inputs",
        _of("pair", a=[1.0], b=[1.0], c=[1.0]),
        CODE.INVALID_ARGUMENT,
        "input size does not match signature: 3!=2 len({a,b,c}) != len({a,b}). "
        "Sent extra: {c}. Missing but required: {}.",
    ),
    Refused(
        "as many inputs, one with another name",
        _of("pair", a=[1.0], z=[1.0]),
        CODE.INVALID_ARGUMENT,
        "Signature input alias: b(feed name: pair_b:0) not found in request and no default value "
        "provided. Inputs expected to be in the request {a,z}, or default input alias set: ",
    ),
    Refused(
        "a name unknown to a signature with defaults",
        _of("pair_with_default", version=1, a=[1.0], z=[1.0]),
        CODE.INVALID_ARGUMENT,
        "Inputs contains invalid name. Used request inputs: a, request input: a,z",
    ),
    Refused("a torn tensor", _torn, CODE.INVALID_ARGUMENT, "tensor parsing error: x"),
    Refused(
        "a filter for an unknown output",
        _filtered("sum", "quotient"),
        CODE.INVALID_ARGUMENT,
        "output tensor alias not found in signature: quotient Outputs expected to be in the set "
        "{product,sum}.",
    ),
    Refused(
        "a filter that names an output twice",
        _filtered("sum", "sum"),
        CODE.INVALID_ARGUMENT,
        "duplicate output tensor alias: sum",
    ),
    Refused(
        "another type than the signature's",
        _of(x=[b"one"]),
        CODE.INVALID_ARGUMENT,
        "Expects arg[0] to be float but string is provided",
    ),
    Refused(
        "another type in the second input",
        _of("pair", a=[1.0], b=np.array([1], np.int64)),
        CODE.INVALID_ARGUMENT,
        "Expects arg[1] to be float but int64 is provided",
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.behaviour)
def test_refuses(client, case):
    with pytest.raises(grpc.RpcError) as refusal:
        client.prediction.Predict(case.request(client), timeout=30)
    assert (refusal.value.code(), refusal.value.details()) == (case.code, case.details)


def test_details_are_cut_at_1024_characters(client):
    request = client.predict_request(client.spec(signature="s" * 2000), x=[1.0])
    with pytest.raises(grpc.RpcError) as refusal:
        client.prediction.Predict(request, timeout=30)
    expected = f'Serving signature key "{"s" * 2000}" not found.'
    assert refusal.value.details() == expected[:1024] + "...TRUNCATED"


def test_errors_of_the_graph_keep_their_code_and_message(client):
    with pytest.raises(grpc.RpcError) as refusal:
        client.predict(client.spec(signature="not_negative"), x=[-1.0])
    assert refusal.value.code() is CODE.INVALID_ARGUMENT
    assert "below zero" in refusal.value.details()


def test_a_shape_is_left_to_the_graph(client):
    assert client.predict(client.spec(version=1), x=[[1.0], [2.0]])["y"].tolist() == [[2.0], [4.0]]


def test_the_highest_available_version_answers(client):
    response = client.prediction.Predict(client.predict_request(x=[1.0]), timeout=30)
    assert response.model_spec.version.value == 2
    assert response.outputs["y"].float_val == [3.0]


def test_a_version_can_be_asked_for(client):
    assert client.predict(client.spec(version=1), x=[1.0])["y"].tolist() == [2.0]


def test_a_label_can_be_asked_for(client):
    assert client.predict(client.spec(label="stable"), x=[1.0])["y"].tolist() == [2.0]


def test_the_answer_states_name_version_and_signature(client):
    response = client.prediction.Predict(client.predict_request(x=[1.0]), timeout=30)
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("tiny", 2, "serving_default")


def test_outputs_come_in_typed_fields(client):
    response = client.prediction.Predict(client.predict_request(x=[1.0, 2.0]), timeout=30)
    output = response.outputs["y"]
    assert list(output.float_val) == [3.0, 6.0]
    assert output.tensor_content == b""
    assert [dim.size for dim in output.tensor_shape.dim] == [2]


def test_a_filter_chooses_outputs(client):
    response = client.prediction.Predict(_filtered("product")(client), timeout=30)
    assert list(response.outputs) == ["product"]


def test_a_default_stands_in_for_a_missing_input(client):
    answer = client.predict(client.spec(signature="pair_with_default", version=1), a=[1.0])
    assert answer["sum"].tolist() == [11.0]


@pytest.mark.parametrize("content", [False, True], ids=["typed fields", "tensor_content"])
def test_every_type_comes_back_as_it_went(client, content):
    sent = {
        "whole": np.array([-(2**40), 5], np.int64),
        "truth": np.array([True, False]),
        "doubles": np.array([[1.0, 0.5], [1e300, -3.0]]),
        "octet": np.array([0, 254], np.uint8),
    }
    request = client.predict_request(client.spec(signature="types"), **sent)
    if not content:
        _into_typed_fields(request)
    response = client.prediction.Predict(request, timeout=30)
    answer = {alias: tf.make_ndarray(value) for alias, value in response.outputs.items()}
    assert answer["whole"].tolist() == [-(2**40) + 1, 6]
    assert answer["truth"].tolist() == [False, True]
    np.testing.assert_array_equal(answer["doubles"], sent["doubles"] / 3)
    assert answer["octet"].tolist() == [1, 255]
    assert answer["octet"].dtype == np.uint8


def _into_typed_fields(request):
    fields = {"whole": "int64_val", "truth": "bool_val", "doubles": "double_val"}
    fields["octet"] = "int_val"
    for alias, field in fields.items():
        tensor = request.inputs[alias]
        values = tf.make_ndarray(tensor).ravel().tolist()
        tensor.ClearField(field)
        tensor.ClearField("tensor_content")
        getattr(tensor, field).extend(values)


def test_the_last_value_fills_up_a_shape(client):
    request = client.predict_request(client.spec(version=1), x=[5.0])
    request.inputs["x"].tensor_shape.dim[0].size = 3
    response = client.prediction.Predict(request, timeout=30)
    assert list(response.outputs["y"].float_val) == [10.0, 10.0, 10.0]


def test_a_shape_that_a_few_bytes_claim_takes_no_memory(client):
    request = client.predict_request(x=[[5.0]])
    request.inputs["x"].tensor_shape.dim[1].size = 2**40
    with pytest.raises(grpc.RpcError) as refusal:
        client.prediction.Predict(request, timeout=30)
    assert refusal.value.details() == "tensor parsing error: x"


def test_an_unknown_type_is_a_parsing_error(client):
    request = client.predict_request(x=[5.0])
    request.inputs["x"].dtype = types_pb2.DT_INVALID
    with pytest.raises(grpc.RpcError) as refusal:
        client.prediction.Predict(request, timeout=30)
    assert refusal.value.details() == "tensor parsing error: x"


def test_a_request_larger_than_the_batch_limit_is_refused(serving, client_of, base_path):
    client = client_of(serving(base_path, max_batch_size=2))
    with pytest.raises(grpc.RpcError) as refusal:
        client.predict(x=[1.0, 2.0, 3.0])
    assert refusal.value.code() is CODE.INVALID_ARGUMENT
    assert refusal.value.details() == "Task size 3 is larger than maximum input batch size 2"


def test_without_batching_everything_is_answered_too(serving, client_of, base_path):
    client = client_of(serving(base_path, batching=False))
    assert client.predict(x=[1.0, 2.0])["y"].tolist() == [2.0, 4.0]


def test_no_rows_make_no_rows(client):
    assert client.predict(x=np.zeros(0, np.float32))["y"].tolist() == []


def test_another_filter_compiles_nothing(client, shared_server, monkeypatch):
    with shared_server.manager.use(client.spec()) as (_, servable):
        signature = servable.signatures["types"]
        inputs = {
            "whole": np.array([1], np.int64),
            "truth": np.array([True]),
            "doubles": np.array([[1.0, 2.0]]),
            "octet": np.array([1], np.uint8),
        }
        predict_arrays(servable, signature, inputs)
        monkeypatch.setattr(servable._session, "_make_callable_from_options", None)
        for count in range(1, 5):
            for chosen in itertools.combinations(signature.outputs, count):
                assert list(predict_arrays(servable, signature, inputs, chosen)) == list(chosen)


def test_an_output_may_be_one_string(client):
    answer = client.predict(client.spec(signature="joined"), s=[b"a", b"b\0"])
    assert answer["joined"].tolist() == b"ab\0"
