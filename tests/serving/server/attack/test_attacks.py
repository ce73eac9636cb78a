"""Attacks on a running server, each bounded and over loopback alone: `make attack`."""

import contextlib
import gzip
import http.client
import io
import itertools
import json
import re
import socket
import struct
import threading
import time
import zlib

import grpc
import pytest
from PIL import Image
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import model_management_pb2, predict_pb2

from shelfsort.products.images.headers import MAX_JPEG_SCANS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unharmed")]

CODE = grpc.StatusCode
PREDICT = "/tensorflow.serving.PredictionService/Predict"
RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"


def refusal_of(call):
    with pytest.raises(grpc.RpcError) as refusal:
        call()
    return refusal.value.code()


@pytest.fixture
def attacker(target, client_of):
    """A client with connections of its own."""
    return client_of(target)


@pytest.mark.parametrize(
    ("dtype", "size", "values"),
    [
        (types_pb2.DT_HALF, 2**29, {"half_val": [1]}),
        (types_pb2.DT_BFLOAT16, 2**29, {"half_val": [1]}),
        (types_pb2.DT_COMPLEX64, 2**29, {"scomplex_val": [1, 0]}),
        (types_pb2.DT_COMPLEX128, 2**27, {"dcomplex_val": [1, 0]}),
        (types_pb2.DT_QINT32, 2**29, {"int_val": [1]}),
        (types_pb2.DT_FLOAT, 2**26, {"float_val": [1]}),
        (types_pb2.DT_STRING, 2**26, {"string_val": [b""]}),
        (types_pb2.DT_STRING, 50_000, {"string_val": [b""]}),
    ],
)
def test_a_few_bytes_that_claim_a_large_tensor(attacker, dtype, size, values):
    for alias, signature in (("x", ""), ("s", "text")):
        request = predict_pb2.PredictRequest()
        request.model_spec.CopyFrom(attacker.spec(signature=signature))
        tensor = request.inputs[alias]
        tensor.dtype = dtype
        tensor.tensor_shape.dim.add().size = size
        for name, given in values.items():
            getattr(tensor, name).extend(given)
        call = attacker.prediction.Predict.future(request, timeout=20)
        assert call.code() is CODE.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("method", "repeated"),
    [
        (PREDICT, b"\x12\x02\x12\x00"),
        ("/tensorflow.serving.PredictionService/MultiInference", b"\x0a\x00"),
        ("/tensorflow.serving.PredictionService/GetModelMetadata", b"\x12\x00"),
        ("/tensorflow.serving.ModelService/GetModelStatus", b"\xf3\x01\xf4\x01"),
        ("/grpc.health.v1.Health/Check", b"\xf3\x01\xf4\x01"),
    ],
)
def test_a_message_of_millions_of_fields(attacker, method, repeated):
    message = repeated * (15_000_000 // len(repeated))
    call = attacker.channel.unary_unary(method)
    futures = [call.future(message, timeout=60) for _ in range(4)]
    assert {each.code() for each in futures} <= {CODE.INVALID_ARGUMENT, CODE.RESOURCE_EXHAUSTED}


@pytest.mark.parametrize("escaped", [False, True])
def test_packed_texts_of_wide_characters(target, escaped):
    text = "x" * 15_000_000 + ("\\ud83d\\ude00" if escaped else "\U0001f600")
    body = gzip.compress(f'{{"instances":["{text}"]}}'.encode(), 1)
    answers = []

    def ask():
        answers.append(rest_answer(target, body, "Content-Encoding: gzip\r\n"))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {each.split(b" ", 2)[1] for each in answers} <= {b"400", b"429"}


def rest_answer(target, body, headers=""):
    with socket.create_connection(("127.0.0.1", target.rest_port), timeout=60) as connection:
        head = f"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        return connection.makefile("rb").read()


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "document",
    [
        '{"inputs":1,"instances":[' + ",".join(["[" * 900 + "]" * 900] * 150) + "]}",
        '{"instances":["' + "x" * 15_000_000 + '"]}',
        '{"instances":[' + "[],".join([""] * 4_000_000) + "[]]}",
        "[" * 15_000_000,
    ],
    ids=["nested", "long string", "many lists", "open brackets"],
)
def test_a_body_that_would_be_answered_at_length(target, document, zipped):
    body = gzip.compress(document.encode(), 1) if zipped else document.encode()
    answer = rest_answer(target, body, "Content-Encoding: gzip\r\n" if zipped else "")
    assert answer.split(b" ", 2)[1] in (b"400", b"429")
    assert len(answer) < 4000


def test_a_bomb_of_gzip_over_either_port(target, attacker):
    bomb = gzip.compress(b" " * 200_000_000, 9)
    assert b" 413 " in rest_answer(target, bomb, "Content-Encoding: gzip\r\n")
    request = attacker.predict_request(attacker.spec(signature="text"), s=[b" " * 60_000_000])
    with grpc.insecure_channel(
        target.address, [("grpc.max_send_message_length", -1)], grpc.Compression.Gzip
    ) as channel:
        call = channel.unary_unary(PREDICT)
        code = refusal_of(lambda: call(request.SerializeToString(), timeout=30))
    assert code is CODE.RESOURCE_EXHAUSTED


def _frame(kind, flags, stream, payload):
    length = struct.pack(">I", len(payload))[1:]
    return length + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _literal(name, value):
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def http2(address, settings=b""):
    connection = socket.create_connection(address, timeout=30)
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, settings))
    return connection


def half_open_calls(address, count, begun=b"", settings=b"", flags=0):
    """An HTTP/2 connection with calls of which it sends the headers and so much of the message."""
    connection = http2(address, settings)
    for stream in range(1, 2 * count, 2):
        headers = b"".join(
            _literal(name, value)
            for name, value in (
                (b":method", b"POST"),
                (b":scheme", b"http"),
                (b":path", PREDICT.encode()),
                (b":authority", b"x"),
                (bytes((0x74, 0x65)), b"trailers"),
                (b"content-type", b"application/grpc"),
            )
        )
        connection.sendall(_frame(1, 4, stream, headers))
        if begun:
            connection.sendall(_frame(0, flags, stream, begun))
    return connection


@pytest.mark.parametrize(
    ("connections", "calls", "begun"),
    [(4, 60, b""), (20, 10, b"\x00" + struct.pack(">I", 8_000_000) + b"x" * 3000)],
    ids=["headers and no message", "a part of a message"],
)
def test_calls_that_stop_half_way(target, answers, connections, calls, begun):
    address = ("127.0.0.1", target.port)
    with contextlib.ExitStack() as stack:
        for _ in range(connections):
            stack.enter_context(half_open_calls(address, calls, begun))
        time.sleep(1)
        answers()


def test_answers_that_nobody_takes(target, attacker):
    text = attacker.predict_request(attacker.spec(signature="text"), s=[b"x" * 4_000])
    # 4 kB that stand for 64 rows, which are answered twice: half a megabyte.
    text.inputs["s"].tensor_shape.dim[0].size = 64
    message = text.SerializeToString()
    whole = b"\x00" + struct.pack(">I", len(message)) + message
    received = b""
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            no_window = struct.pack(">HI", 4, 0)
            address = ("127.0.0.1", target.port)
            connection = half_open_calls(address, 12, whole, no_window, flags=1)
            stack.enter_context(connection).settimeout(0.1)
            with contextlib.suppress(OSError):
                while True:
                    received += connection.recv(1 << 16)
    assert b"answers that have not been taken" in received


def test_pings_whose_answers_nobody_reads(target):
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            connection = stack.enter_context(http2(("127.0.0.1", target.port)))
            connection.settimeout(0.5)
            with contextlib.suppress(OSError):
                while True:
                    connection.sendall(_frame(6, 0, 0, bytes(8)) * 1000)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /v1/models/tiny:predict HT",
        b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n{",
        b"GET /v1/models/tiny HTTP/1.1\r\nHost: x\r\n\r\n" * 50,
    ],
    ids=["silent", "half a head", "half a body", "never reads"],
)
def test_more_rest_connections_than_the_server_holds(target, sent):
    with contextlib.ExitStack() as stack:
        for _ in range(250):
            connection = socket.create_connection(("127.0.0.1", target.rest_port), timeout=30)
            stack.enter_context(connection)
            with contextlib.suppress(OSError):
                connection.sendall(sent)
        time.sleep(1)


@pytest.mark.parametrize(
    "endless",
    [b"20000\r\n" + b" " * 0x20000 + b"\r\n", b"x: y\r\n" * 20_000],
    ids=["chunks", "trailers"],
)
def test_a_chunked_body_without_end(target, endless):
    with socket.create_connection(("127.0.0.1", target.rest_port), timeout=30) as connection:
        connection.sendall(
            b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: x\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        if endless.startswith(b"x"):
            connection.sendall(b"0\r\n")
        with pytest.raises(OSError):
            for _ in range(2000):
                connection.sendall(endless)


def test_idle_connections_to_both_ports_take_not_every_file(target, answers):
    with contextlib.ExitStack() as stack:
        for port in (target.port, target.rest_port):
            for _ in range(400):
                address = ("127.0.0.1", port)
                with contextlib.suppress(OSError):
                    stack.enter_context(socket.create_connection(address, timeout=30))
        time.sleep(1)
        answers()
        assert target.open_files < target.max_files - 50


def test_reloads_by_a_stranger(attacker, tmp_path):
    for models in ([], [{"name": "mine", "base_path": str(tmp_path)}], [{"base_path": "/"}]):
        request = model_management_pb2.ReloadConfigRequest()
        request.config.model_config_list.SetInParent()
        for model in models:
            request.config.model_config_list.config.add(model_platform="tensorflow", **model)
        call = attacker.channel.unary_unary(RELOAD)
        futures = [call.future(request.SerializeToString(), timeout=20) for _ in range(60)]
        assert {future.code() for future in futures} == {CODE.PERMISSION_DENIED}


def dropped(target):
    """How many calls the server has ended because nobody waited for them."""
    with contextlib.closing(
        http.client.HTTPConnection("127.0.0.1", target.rest_port, timeout=30)
    ) as connection:
        connection.request("GET", "/monitoring/prometheus/metrics")
        page = connection.getresponse().read().decode()
    found = re.findall(r'request_count\{model_name="tiny",status="CANCELLED"\} (\d+)', page)
    return int(found[0]) if found else 0


def test_calls_whose_callers_give_up(target, attacker):
    before = dropped(target)
    spec = attacker.spec(signature="slow")
    request = attacker.predict_request(spec, x=[1.0], steps=[20_000])
    futures = [attacker.prediction.Predict.future(request, timeout=0.3) for _ in range(90)]
    assert {future.code() for future in futures} <= {
        CODE.DEADLINE_EXCEEDED,
        CODE.OK,
        CODE.RESOURCE_EXHAUSTED,
    }
    ends = time.monotonic() + 30
    while dropped(target) - before < 5 and time.monotonic() < ends:
        time.sleep(0.1)
    # Of the 48 that workers had taken up; the others never came so far.
    assert dropped(target) - before >= 5


def test_another_output_filter_with_each_request(attacker):
    outputs = ["whole", "truth", "doubles", "octet"]
    for count in range(1, 5):
        for chosen in itertools.permutations(outputs, count):
            request = attacker.predict_request(
                attacker.spec(signature="types"),
                whole=[1],
                truth=[True],
                doubles=[[1.0, 2.0]],
                octet=[1],
            )
            request.output_filter.extend(chosen)
            with contextlib.suppress(grpc.RpcError):
                attacker.prediction.Predict(request, timeout=20)


def _encoded(format_, **options):
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, format_, **options)
    return out.getvalue()


def _chunk(name, content):
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def _large_png():
    """Black, of one bit a pixel: 20 kB that are decoded to 430 MB."""
    header = struct.pack(">IIBBBBB", 12_000, 12_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((1 + 12_000 // 8) * 12_000))
    chunks = [_chunk(b"IHDR", header), _chunk(b"IDAT", rows), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _many_scans():
    whole = _encoded("JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * MAX_JPEG_SCANS + b"\xff\xd9"


def _large_frames():
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 12_000, 12_000, 0) + b"\x02\x02\x4c\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0, 0, 0) + frame * 10 + b"\x3b"


@pytest.mark.parametrize("image", [_large_png(), _many_scans(), _large_frames()])
def test_images_that_cost_more_than_they_show(attacker, image):
    spec = attacker.spec(signature="picture")
    code = refusal_of(lambda: attacker.predict(spec, image=[image] * 4))
    assert code is CODE.INVALID_ARGUMENT


def test_noise_over_both_ports(target):
    noise = [b"\x00\xff" * 500, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 500, b"\r\n" * 500]
    noise += [json.dumps({"instances": [[]] * 1000}).encode()]
    for port, data in itertools.product((target.port, target.rest_port), noise):
        address = ("127.0.0.1", port)
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=30) as each:
            each.sendall(data)
