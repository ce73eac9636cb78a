"""What one request may cost, who pays for it, and who may change what is served."""

import asyncio
import base64
import io
import json
import math
import socket

import grpc
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_status_pb2,
    input_pb2,
    model_management_pb2,
)

from serving.server import ModelConfig, ModelServer, ServerOptions
from serving.server import arrivals as arriving
from serving.server.arrivals import Arrivals
from serving.server.budget import Budget
from serving.server.examples import serialized_examples
from serving.server.rest_api import RestApi
from serving.status import ServingError

CODE = grpc.StatusCode


def jpeg(value):
    out = io.BytesIO()
    Image.new("RGB", (32, 32), (value,) * 3).save(out, "JPEG")
    return out.getvalue()


def refusal_of(call):
    with pytest.raises(grpc.RpcError) as refusal:
        call()
    return refusal.value.code(), refusal.value.details()


def test_a_broken_image_fails_its_own_row(client):
    images = [jpeg(128), jpeg(128)[:200], jpeg(64)]
    request = client.predict_request(client.spec(signature="picture"), image=images)
    response, call = client.prediction.Predict.with_call(request, timeout=60)
    means = tf.make_ndarray(response.outputs["mean"])
    assert means.tolist() == pytest.approx([128, 0, 64], abs=2)
    (failed,) = [value for name, value in call.trailing_metadata() if "failed-rows" in name]
    assert failed.startswith("1: ")


WEBP = b"RIFF\x1e\x00\x00\x00WEBPVP8L\x11\x00\x00\x00" + bytes.fromhex(
    "2ffebfff0f07d0842634a1ff8188e87f0000"
)
"""16,383 pixels square, all alike."""


@pytest.mark.parametrize(
    ("image", "name"),
    [(WEBP, "WebP"), (b"\xff\x0aO@$\x08", "JPEG XL"), (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL")],
    ids=["webp", "jxl", "jxl in a container"],
)
def test_a_format_whose_size_is_not_read_is_not_decoded(client, image, name):
    request = client.predict_request(client.spec(signature="picture"), image=[jpeg(128), image])
    _, call = client.prediction.Predict.with_call(request, timeout=60)
    (failed,) = [value for name, value in call.trailing_metadata() if "failed-rows" in name]
    assert failed == f"1: {name}; use JPEG, PNG, GIF or BMP"


def test_a_text_may_begin_as_an_image_does(client):
    texts = ["BMX bike for children, 20 inches, blue, with a helmet", "GIF89a: the book, signed"]
    answer = client.predict(client.spec(signature="text"), s=[text.encode() for text in texts])
    assert [echo.decode() for echo in answer["echo"]] == texts


def test_a_broken_image_is_no_number_in_a_regression(client, rest):
    source = input_pb2.Input()
    images = [jpeg(128), jpeg(128)[:200], jpeg(64)]
    for image in images:
        example = source.example_list.examples.add()
        example.features.feature["image"].bytes_list.value.append(image)
    response = client.regress(client.spec(signature="brightness"), source)
    values = [regression.value for regression in response.result.regressions]
    assert values == pytest.approx([128, math.nan, 64], abs=2, nan_ok=True)
    texts = [{"image": {"b64": base64.b64encode(image).decode()}} for image in images]
    body = {"signature_name": "brightness", "examples": texts}
    status, answer = rest("POST", "/v1/models/tiny:regress", body)
    assert (status, math.isnan(answer["results"][1])) == (200, True)


def test_a_request_of_broken_images_fails(client):
    spec = client.spec(signature="picture")
    code, _ = refusal_of(lambda: client.predict(spec, image=[jpeg(1)[:200]] * 2))
    assert code is CODE.INVALID_ARGUMENT


def test_an_image_above_the_pixels_allowed_is_named_and_not_decoded(serving, client_of, base_path):
    client = client_of(serving(base_path, max_image_pixels=1000))
    code, details = refusal_of(
        lambda: client.predict(client.spec(signature="picture"), image=[jpeg(1)])
    )
    assert code is CODE.INVALID_ARGUMENT
    assert details == "row 0: 32 x 32 pixels; the limit is 1,000"


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0\x00\x10", b"no example"])
def test_bytes_that_are_no_example_are_an_invalid_argument(client, rest, content):
    spec = client.spec(signature="regress")
    code, _ = refusal_of(lambda: client.predict(spec, inputs=[content]))
    assert code is CODE.INVALID_ARGUMENT
    row = {"b64": base64.b64encode(content).decode()}
    status, _ = rest(
        "POST", "/v1/models/tiny:predict", {"signature_name": "regress", "instances": [row]}
    )
    assert status == 400


def test_a_rest_error_is_cut_as_a_grpc_error_is(rest):
    body = {"inputs": 1, "instances": [["x" * 200] * 200]}
    status, answer = rest("POST", "/v1/models/tiny:predict", body)
    assert (status, len(json.dumps(answer)) < 1200) == (400, True)


def test_a_rest_request_without_its_signature_is_told_which(rest):
    status, answer = rest("POST", "/v1/models/tiny:predict", {"instances": [{"a": 1, "b": 2}]})
    assert (status, '"signature_name": "pair"' in answer["error"]) == (400, True)


@pytest.mark.parametrize("name", ["\ud800", "\udfff", "\udcff"])
def test_a_name_that_is_no_unicode_is_a_bad_request(rest, name):
    for verb, body in (
        ("predict", {"signature_name": name, "instances": [1]}),
        ("classify", {"signature_name": name, "examples": [{}]}),
        ("regress", {"signature_name": "regress", "examples": [{name: 1}]}),
        ("predict", {"instances": [{name: 1}]}),
        ("predict", {name: 1}),
    ):
        status, answer = rest("POST", f"/v1/models/tiny:{verb}", body)
        assert (status, answer["error"] == "Internal error") == (400, False)


def test_a_version_of_many_digits_is_a_bad_request(rest):
    status, _ = rest("GET", "/v1/models/tiny/versions/" + "9" * 5000)
    assert status == 400


def test_reloads_are_off(serving, client_of, base_path):
    client = client_of(serving(base_path))
    code, _ = refusal_of(lambda: client.reload({"name": "t", "base_path": str(base_path)}))
    assert code is CODE.PERMISSION_DENIED


def test_reloads_stay_below_the_folders_allowed(serving, client_of, base_path, tmp_path):
    client = client_of(serving(base_path, allow_reload=True))
    (base_path / "out").symlink_to(tmp_path)
    for outside in (tmp_path, base_path / ".." / "other", base_path / "out"):
        code, _ = refusal_of(lambda path=outside: client.reload({"base_path": str(path)}))
        assert code is CODE.PERMISSION_DENIED
    client.reload({"name": "tiny", "base_path": str(base_path)})


def test_an_empty_reload_unloads_nothing(serving, client_of, base_path):
    client = client_of(serving(base_path, allow_reload=True))
    code, _ = refusal_of(client.reload)
    assert code is CODE.INVALID_ARGUMENT
    assert client.predict(x=[1.0])["y"].tolist() == [2.0]


def test_the_prediction_port_never_takes_a_reload(serving, client_of, base_path):
    client = client_of(serving(base_path, allow_reload=True))
    request = model_management_pb2.ReloadConfigRequest()
    code, _ = refusal_of(lambda: client.models.HandleReloadConfigRequest(request, timeout=30))
    assert code is CODE.PERMISSION_DENIED


def test_the_management_port_answers_no_predictions(serving, client_of, base_path):
    client = client_of(serving(base_path, allow_reload=True))
    (entry,) = client.managed.GetModelStatus(
        get_model_status_pb2.GetModelStatusRequest(model_spec=client.spec()), timeout=30
    ).model_version_status
    assert entry.version == 1
    call = client.management.unary_unary("/tensorflow.serving.PredictionService/Predict")
    code, _ = refusal_of(lambda: call(b"", timeout=30))
    assert code is CODE.UNIMPLEMENTED


def test_a_reload_shows_the_token(serving, client_of, base_path):
    client = client_of(serving(base_path, allow_reload=True, management_token="t" * 20))
    model = {"name": "tiny", "base_path": str(base_path)}
    for shown in ((), (("authorization", "Bearer " + "u" * 20),)):
        code, _ = refusal_of(lambda shown=shown: client.reload(dict(model), metadata=shown))
        assert code is CODE.UNAUTHENTICATED
    client.reload(model, metadata=(("authorization", "Bearer " + "t" * 20),))


def test_a_full_budget_refuses_and_takes_again_what_is_given_back():
    budget = Budget(100)
    first, second = budget.hold(), budget.hold()
    first.add(80)
    with pytest.raises(ServingError) as refusal:
        second.add(30)
    assert refusal.value.code is CODE.RESOURCE_EXHAUSTED
    first.release()
    second.add(30)
    assert budget.used == 30


def test_what_is_passed_on_is_released_by_the_heir_alone():
    budget = Budget(100)
    with budget.hold() as arriving:
        arriving.add(60)
        heir = arriving.passed_on()
    assert budget.used == 60
    heir.release()
    assert budget.used == 0


def test_a_rest_body_counts_as_it_arrives(serving, base_path):
    server = serving(base_path, request_memory_bytes=1_000_000)
    head = b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=30) as connection:
        connection.sendall(head + b" " * 1_000_001)
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 429 ")


def test_a_taken_port_is_noticed_before_a_model_loads(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        models = [ModelConfig("never", str(tmp_path))]
        for ports in ({"port": port, "rest_port": None}, {"port": 0, "rest_port": port}):
            with pytest.raises(OSError, match=f":{port}"):
                ModelServer(models, ServerOptions(**ports)).start()


def test_a_context_is_not_copied_into_more_than_a_request_may_have():
    request = classification_pb2.ClassificationRequest()
    listed = request.input.example_list_with_context
    listed.context.features.feature["x"].bytes_list.value.append(b"x" * 1_000_000)
    for _ in range(100):
        listed.examples.add()
    with pytest.raises(ServingError):
        serialized_examples(request.input)


def test_what_drips_is_dropped_for_what_comes_later(monkeypatch):
    monkeypatch.setattr(arriving, "SLOW_SECONDS", 0.05)

    async def scenario():
        arrivals = Arrivals(max_slow=2, seconds=0.6)
        slow = [asyncio.ensure_future(arrivals.of(asyncio.sleep(60))) for _ in range(5)]
        await asyncio.sleep(0.3)
        quick = await arrivals.of(asyncio.sleep(0, "message"))
        errors = await asyncio.gather(*slow, return_exceptions=True)
        return quick, [error.code for error in errors], len(arrivals)

    quick, codes, left = asyncio.run(scenario())
    assert (quick, left) == ("message", 0)
    assert codes == [CODE.RESOURCE_EXHAUSTED] * 3 + [CODE.DEADLINE_EXCEEDED] * 2


def test_what_is_arriving_when_the_server_stops_is_refused_as_unavailable():
    async def scenario():
        arrivals = Arrivals(max_slow=2, seconds=60)
        arriving = [asyncio.ensure_future(arrivals.of(asyncio.sleep(60))) for _ in range(3)]
        await asyncio.sleep(0.01)
        arrivals.close()
        return await asyncio.gather(*arriving, return_exceptions=True)

    assert [error.code for error in asyncio.run(scenario())] == [CODE.UNAVAILABLE] * 3


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["instances", "inputs", "signature_name", "b64", "x", "s"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@pytest.mark.slow
@given(
    st.binary(max_size=80) | _JSON.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(["predict", "classify", "regress"]),
)
@settings(max_examples=300)
def test_any_rest_body_is_answered_or_refused_in_a_few_words(shared_server, body, verb):
    api = RestApi(shared_server.manager, shared_server.metrics)
    reply = api.handle("POST", f"/v1/models/tiny:{verb}", body)
    assert reply.status in (200, 400, 501)
    assert len(reply.body) < 3000
