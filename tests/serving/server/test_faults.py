"""What the world does to a server, and what the server makes of it."""

import io
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from PIL import Image

from serving.server import health as health_service
from serving.server.config import ServerOptions
from serving.server.versions import ModelVersions

CODE = grpc.StatusCode

SCRIPTS = {
    "Latin": "Sac à main en cuir, très élégant",
    "Cyrillic": "Кожаная сумка через плечо",
    "Arabic": "حقيبة يد جلدية للسيدات",
    "Devanagari": "चमड़े का हैंडबैग",
    "Chinese": "女士真皮手提包",
    "Japanese": "レザーのハンドバッグ",
}


def refusal_of(call):
    with pytest.raises(grpc.RpcError) as refusal:
        call()
    return refusal.value.code(), refusal.value.details()


def jpeg(value=128):
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), (value,) * 3).save(picture, "JPEG")
    return picture.getvalue()


class Load:
    """Callers that ask without pause, and note every answer and every failure."""

    def __init__(self, ask, callers=6):
        self._ask = ask
        self._stop = threading.Event()
        self.answers, self.failures = [], []
        self._threads = [threading.Thread(target=self._call) for _ in range(callers)]

    def _call(self):
        while not self._stop.is_set():
            try:
                self.answers.append(self._ask())
            except grpc.RpcError as error:
                self.failures.append(f"{error.code()}: {error.details()}")

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.slow
def test_no_answer_fails_while_versions_are_swapped_and_a_broken_one_drops_in(
    serving, client_of, base_path, doubling, tripling, pusher, eventually
):
    client = client_of(serving(base_path))
    with Load(lambda: client.predict(x=[1.0])["y"].tolist()) as load:
        pusher(tripling, base_path, 2)
        eventually(lambda: client.states() == {2: "AVAILABLE", 1: "END"})
        (base_path / "3").mkdir()
        (base_path / "3" / "saved_model.pb").write_bytes(b"broken")
        eventually(lambda: client.states().get(3) == "END")
        pusher(doubling, base_path, 4)
        eventually(lambda: client.states().get(2) == "END")
        eventually(lambda: load.answers[-1] == [2.0])
    assert load.failures == []
    assert {tuple(answer) for answer in load.answers} == {(2.0,), (3.0,)}


def test_one_bad_request_fails_alone_among_those_joined_with_it(client):
    spec = client.spec(signature="not_negative")

    def ask(number):
        value = -1.0 if number % 5 == 0 else float(number)
        try:
            return client.predict(spec, x=[value])["y"].tolist() == [np.sqrt(np.float32(value))]
        except grpc.RpcError as error:
            return value < 0 and error.code() is CODE.INVALID_ARGUMENT

    with ThreadPoolExecutor(24) as pool:
        assert all(pool.map(ask, range(300)))


def test_clients_that_vanish_leave_the_others_answered(shared_server, client):
    def vanish():
        with grpc.insecure_channel(shared_server.address) as channel:
            mine = type(client)(channel)
            request = mine.predict_request(mine.spec(signature="slow"), x=[1.0], steps=[2000])
            return [mine.prediction.Predict.future(request, timeout=30) for _ in range(20)]

    for _ in range(5):
        vanish()
    assert client.predict(x=[1.0])["y"].tolist() == [3.0]


def test_a_deadline_that_passes_leaves_the_server_answering(client):
    request = client.predict_request(client.spec(signature="slow"), x=[1.0], steps=[100_000])
    code, _ = refusal_of(lambda: client.prediction.Predict(request, timeout=0.05))
    assert code is CODE.DEADLINE_EXCEEDED
    assert client.predict(x=[1.0])["y"].tolist() == [3.0]


@pytest.mark.parametrize("method", ["Predict", "Classify", "Regress", "MultiInference"])
def test_an_empty_request_is_refused(client, shared_server, method):
    call = client.channel.unary_unary(f"/tensorflow.serving.PredictionService/{method}")
    code, details = refusal_of(lambda: call(b"", timeout=30))
    assert code is CODE.INVALID_ARGUMENT
    assert details in ("Missing ModelSpec", "ModelSpec has no name specified.")


@pytest.mark.parametrize("service", ["PredictionService/Predict", "ModelService/GetModelStatus"])
def test_garbage_for_a_message_is_refused(client, service):
    call = client.channel.unary_unary(f"/tensorflow.serving.{service}")
    code, _ = refusal_of(lambda: call(b"\xff\xfe garbage", timeout=30))
    assert code is CODE.INTERNAL
    assert client.predict(x=[1.0])["y"].tolist() == [3.0]


@pytest.mark.parametrize("port", ["port", "rest_port"])
@pytest.mark.parametrize(
    "data", [b"\x00\xff" * 500, b"GET", b"\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n"]
)
def test_garbage_for_a_connection_harms_nobody(shared_server, client, port, data):
    with socket.create_connection(("127.0.0.1", getattr(shared_server, port))) as connection:
        connection.sendall(data)
    assert client.predict(x=[1.0])["y"].tolist() == [3.0]


def test_an_oversized_message_is_refused(serving, client_of, base_path):
    client = client_of(serving(base_path, max_message_bytes=100_000))
    code, _ = refusal_of(lambda: client.predict(x=np.zeros(100_000, np.float32)))
    assert code is CODE.RESOURCE_EXHAUSTED
    assert client.predict(x=[1.0])["y"].tolist() == [2.0]


def test_a_large_message_is_taken(client):
    answer = client.predict(client.spec(version=1), x=np.ones((1, 900_000), np.float32))
    assert answer["y"].sum() == 1_800_000


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ("Content-Length: 100001", b"", 413),
        ("Content-Length: many", b"", 400),
        ("Content-Length: " + "9" * 19, b"", 413),
        ("Content-Length: " + "9" * 51, b"", 400),
        ("Transfer-Encoding: chunked", b"zz\r\n", 400),
        ("Transfer-Encoding: chunked", b"fffff\r\n" + b" " * 100_001, 413),
        ("Content-Encoding: gzip\r\nContent-Length: 4", b"nope", 400),
    ],
)
def test_a_rest_body_that_cannot_be_taken_is_refused(serving, base_path, headers, body, status):
    server = serving(base_path, max_message_bytes=100_000)
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=30) as connection:
        head = f"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n"
        connection.sendall(head.encode() + body)
        answer = connection.makefile("rb").read()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_a_gzip_bomb_is_refused(serving, base_path):
    import gzip
    import http.client

    server = serving(base_path, max_message_bytes=100_000)
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=30)
    bomb = gzip.compress(b" " * 50_000_000)
    headers = {"Content-Encoding": "gzip"}
    connection.request("POST", "/v1/models/tiny:predict", bomb, headers)
    assert connection.getresponse().status == 413
    connection.close()


def test_more_calls_than_may_be_in_hand_are_refused(serving, client_of, base_path):
    client = client_of(serving(base_path, max_concurrent=2))
    request = client.predict_request(client.spec(signature="slow"), x=[1.0], steps=[20_000])
    futures = [client.prediction.Predict.future(request, timeout=60) for _ in range(12)]
    codes = [future.code() for future in futures]
    assert set(codes) == {CODE.OK, CODE.RESOURCE_EXHAUSTED}
    assert client.predict(x=[1.0])["y"].tolist() == [2.0]


def test_half_a_jpeg_fails_alone(client):
    spec = client.spec(signature="picture")
    whole, half = jpeg(), jpeg()[: len(jpeg()) // 2]
    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(client.predict, spec, image=[half if n % 4 == 0 else whole])
            for n in range(16)
        ]
    for number, future in enumerate(asked):
        if number % 4 == 0:
            assert future.exception().code() is CODE.INVALID_ARGUMENT
        else:
            assert future.result()["mean"][0] == pytest.approx(128, abs=2)


@pytest.mark.parametrize("script", SCRIPTS)
def test_text_in_every_script_comes_back(client, script):
    title = SCRIPTS[script]
    answer = client.predict(client.spec(signature="text"), s=[title.encode()])
    assert answer["echo"].tolist() == [title.encode()]
    assert answer["length"].tolist() == [len(title)]


def test_a_title_of_10000_characters_is_a_title(client):
    title = "サック à main " * 1000
    answer = client.predict(client.spec(signature="text"), s=[title.encode()])
    assert answer["length"].tolist() == [len(title)]


@pytest.mark.slow
def test_stopping_finishes_what_is_in_hand_and_takes_nothing_new(serving, client_of, base_path):
    server = serving(base_path)
    client = client_of(server)
    request = client.predict_request(client.spec(signature="slow"), x=[1.0], steps=[30_000])
    futures = [client.prediction.Predict.future(request, timeout=60) for _ in range(6)]
    while not any(future.running() for future in futures):
        time.sleep(0.01)
    time.sleep(0.2)
    server.stop(grace=60)
    assert [future.code() for future in futures] == [CODE.OK] * 6
    code, _ = refusal_of(lambda: client.predict(x=[1.0]))
    assert code is CODE.UNAVAILABLE


def test_stopping_waits_for_nobody_who_never_sends(serving, client_of, base_path):
    server = serving(base_path, health_service=True)
    channel, done = client_of(server).channel, threading.Event()

    def never():
        done.wait(60)
        yield from ()

    predict = channel.stream_unary("/tensorflow.serving.PredictionService/Predict")
    half_open = predict.future(never(), timeout=60)
    health = health_pb2_grpc.HealthStub(channel)
    watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=60)
    states = [next(watch).status]
    server.stop(grace=60)
    states += [each.status for each in watch]
    done.set()
    # What is cut off after the grace is cancelled; these ended of themselves.
    assert half_open.code() is CODE.UNAVAILABLE
    assert states == [
        health_pb2.HealthCheckResponse.SERVING,
        health_pb2.HealthCheckResponse.NOT_SERVING,
    ]


def test_a_watch_too_many_ends_the_oldest(serving, client_of, base_path, monkeypatch):
    monkeypatch.setattr(health_service, "MAX_WATCHES", 2)
    server = serving(base_path, health_service=True)
    stub = health_pb2_grpc.HealthStub(client_of(server).channel)
    watches = []
    for _ in range(3):
        watches.append(stub.Watch(health_pb2.HealthCheckRequest(), timeout=60))
        assert next(watches[-1]).status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as ended:
        next(watches[0])
    assert ended.value.code() is CODE.RESOURCE_EXHAUSTED
    assert [watch.is_active() for watch in watches] == [False, True, True]
    for watch in watches:
        watch.cancel()


def test_stopping_leaves_a_run_behind_that_outlasts_it():
    def load(number, path):
        return io.BytesIO()

    versions = ModelVersions("tiny", load, ServerOptions(), threading.Event())
    versions.aspire({1: "tiny/1"})
    assert versions.wait_settled(30)
    with versions.use(None):
        versions.close(0.05)
        assert [entry.state.name for entry in versions.status()] == ["UNLOADING"]


def test_stopping_finishes_a_rest_request_in_hand(serving, base_path):
    import http.client
    import json

    server = serving(base_path)
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=60)
    body = {"signature_name": "slow", "inputs": {"x": [1.0], "steps": [30_000]}}
    connection.request("POST", "/v1/models/tiny:predict", json.dumps(body))
    time.sleep(0.2)
    server.stop(grace=60)
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())) == (200, {"outputs": [2.0]})
    connection.close()


def test_a_rest_connection_too_many_takes_the_place_of_an_idle_one(serving, base_path):
    server = serving(base_path, max_concurrent=1)
    address = ("127.0.0.1", server.rest_port)
    with socket.create_connection(address) as first:
        first.sendall(b"GET /v1/models/tiny HTTP/1.1\r\nHost: x\r\n\r\n")
        assert first.recv(12) == b"HTTP/1.1 200"
        with socket.create_connection(address, timeout=30) as second:
            second.sendall(b"GET /v1/models/tiny HTTP/1.1\r\nHost: x\r\n\r\n")
            assert second.recv(12) == b"HTTP/1.1 200"
