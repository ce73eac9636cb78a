"""A model server that answers by rule, over real gRPC on a free loopback port."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import dataclass, field

import grpc
import pytest

from shelfsort.contract import wire

TREE = (("mugs", "Kitchen > Mugs"), ("bowls", "Kitchen > Bowls"), ("lamps", "Living > Lamps"))
TOP_SCORES = (0.7, 0.2, 0.1)


def answer_by_title(request):
    """Answers as `predict_raw` does: a title that holds a leaf's id is put there."""
    response = wire.PredictResponse()
    response.model_spec.name = request.model_spec.name
    response.model_spec.version.value = 3
    titles = [title.decode() for title in request.inputs["title"].string_val]
    ranked = [sorted(TREE, key=lambda leaf, t=title: leaf[0] not in t) for title in titles]
    accepted = [any(leaf in title for leaf, _ in TREE) for title in titles]
    columns = {
        "category": [order[0][0].encode() for order in ranked],
        "category_path": [order[0][1].encode() for order in ranked],
        "score": [TOP_SCORES[0]] * len(titles),
        "accepted_95": accepted,
        "accepted_98": [False] * len(titles),
        "answer": [
            order[0][0].encode() if sure else b""
            for order, sure in zip(ranked, accepted, strict=True)
        ],
        "answer_level": [2 if sure else 0 for sure in accepted],
        "threshold_version": [b"t-1"] * len(titles),
    }
    for alias, values in columns.items():
        put(response, alias, values, [len(titles)])
    put(response, "top_scores", TOP_SCORES * len(titles), [len(titles), len(TREE)])
    leaves = [leaf.encode() for order in ranked for leaf, _ in order]
    put(response, "top_categories", leaves, [len(titles), len(TREE)])
    return response


def put(response, alias: str, values, shape: list[int]) -> None:
    tensor = response.outputs[alias]
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    dtype, name = {
        bytes: (wire.DT_STRING, "string_val"),
        bool: (wire.DT_BOOL, "bool_val"),
        int: (wire.DT_INT64, "int64_val"),
        float: (wire.DT_FLOAT, "float_val"),
    }[type(values[0])]
    tensor.dtype = dtype
    getattr(tensor, name).extend(values)


@dataclass
class FakeServer:
    """Counts what comes in; tests set how it fails.

    Attributes:
        refusals: status codes of the next answers, one each; then it answers.
        delay_s: wait before each answer.
        respond: makes the answer.
    """

    address: str = ""
    refusals: list[grpc.StatusCode] = field(default_factory=list)
    delay_s: float = 0.0
    respond: Callable = answer_by_title
    requests: list = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def predict(self, request, context):
        with self._lock:
            self.requests.append(request)
            refusal = self.refusals.pop(0) if self.refusals else None
        if refusal is not None:
            context.abort(refusal, "said\nno")
        time.sleep(self.delay_s)
        return self.respond(request)


def start(fake: FakeServer, credentials: grpc.ServerCredentials | None = None) -> grpc.Server:
    handler = grpc.unary_unary_rpc_method_handler(
        fake.predict,
        request_deserializer=wire.PredictRequest.FromString,
        response_serializer=wire.PredictResponse.SerializeToString,
    )
    server = grpc.server(
        futures.ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", 2**27)]
    )
    service, method = wire.PREDICT_METHOD.strip("/").split("/")
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {method: handler}),)
    )
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    fake.address = f"127.0.0.1:{port}"
    server.start()
    return server


@pytest.fixture
def start_server() -> Iterator[Callable[..., FakeServer]]:
    """Starts fake servers, with TLS where credentials are given; all stop with the test."""
    servers = []

    def start_one(credentials: grpc.ServerCredentials | None = None) -> FakeServer:
        fake = FakeServer()
        servers.append(start(fake, credentials))
        return fake

    yield start_one
    for server in servers:
        server.stop(0).wait()


@pytest.fixture
def fake(start_server) -> FakeServer:
    return start_server()


@pytest.fixture
def jpeg(tmp_path):
    path = tmp_path / "mug.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 pixels")
    return path
