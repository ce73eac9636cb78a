"""Tiny models with a signature for every behaviour, and a server that holds them."""

import http.client
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.server import ModelConfig, ModelServer, ServerOptions


class Tiny(tf.Module):
    """y = slope * x, and other functions that show one thing each."""

    def __init__(self, slope: float):
        self.slope = tf.Variable([slope])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def line(self, x):
        return {"y": x * self.slope}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.float32, name="a"),
            tf.TensorSpec([None], tf.float32, name="b"),
        ]
    )
    def pair(self, a, b):
        return {"sum": a + b, "product": a * b}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def not_negative(self, x):
        with tf.control_dependencies([tf.debugging.assert_non_negative(x, message="below zero")]):
            return {"y": tf.sqrt(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def total(self, x):
        return {"total": tf.reduce_sum(x), "each": x}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def uneven(self, x):
        return {"each": x, "first": x[:1]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="s")])
    def text(self, s):
        return {"echo": s, "echo_bytes": s + "", "length": tf.strings.length(s, "UTF8_CHAR")}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="s"),
            tf.TensorSpec([None], tf.string, name="t"),
        ]
    )
    def two_texts(self, s, t):
        return {"joined": s + t}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="s")])
    def joined(self, s):
        return {"joined": tf.strings.reduce_join(s)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image")])
    def picture(self, image):
        def mean(data):
            return tf.reduce_mean(tf.cast(tf.io.decode_jpeg(data, channels=3), tf.float32))

        return {"mean": tf.map_fn(mean, image, fn_output_signature=tf.float32)}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.float32, name="x"),
            tf.TensorSpec([None], tf.int32, name="steps"),
        ]
    )
    def slow(self, x, steps):
        rounds = tf.reduce_max(tf.concat([steps, [0]], 0))
        matrix = tf.eye(64) * 0.999
        product = tf.while_loop(
            lambda i, m: i < rounds, lambda i, m: (i + 1, m @ matrix), (0, matrix)
        )[1]
        return {"y": x * self.slope + 0.0 * product[0, 0]}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.int64, name="whole"),
            tf.TensorSpec([None], tf.bool, name="truth"),
            tf.TensorSpec([None, 2], tf.float64, name="doubles"),
            tf.TensorSpec([None], tf.uint8, name="octet"),
        ]
    )
    def types(self, whole, truth, doubles, octet):
        return {
            "whole": whole + 1,
            "truth": tf.logical_not(truth),
            "doubles": doubles / 3,
            "octet": octet + tf.constant(1, tf.uint8),
        }

    def _size(self, examples):
        features = {"size": tf.io.FixedLenFeature([], tf.float32, 0.0)}
        return tf.io.parse_example(examples, features)["size"] * self.slope

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs):
        size = self._size(inputs)
        labels = tf.tile([["small", "large"]], [tf.shape(size)[0], 1])
        return {"classes": labels, "scores": tf.stack([1.0 - size, size], axis=1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def only_scores(self, inputs):
        return {"scores": self._size(inputs)[:, tf.newaxis]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def only_classes(self, inputs):
        return {"classes": tf.strings.as_string(self._size(inputs))[:, tf.newaxis]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def regress(self, inputs):
        return {"outputs": self._size(inputs)[:, tf.newaxis]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def regress_flat(self, inputs):
        return {"outputs": self._size(inputs)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def regress_wide(self, inputs):
        return {"outputs": tf.tile(self._size(inputs)[:, tf.newaxis], [1, 2])}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def brightness(self, inputs):
        features = {"image": tf.io.FixedLenFeature([], tf.string)}
        return {"outputs": self.picture(tf.io.parse_example(inputs, features)["image"])["mean"]}


SIGNATURES = {
    "serving_default": "line",
    "pair": "pair",
    "not_negative": "not_negative",
    "total": "total",
    "uneven": "uneven",
    "text": "text",
    "two_texts": "two_texts",
    "joined": "joined",
    "picture": "picture",
    "slow": "slow",
    "types": "types",
    "classify": "classify",
    "only_scores": "only_scores",
    "only_classes": "only_classes",
    "regress": "regress",
    "regress_flat": "regress_flat",
    "regress_wide": "regress_wide",
    "brightness": "brightness",
}


def save_tiny(path: Path, slope: float) -> Path:
    module = Tiny(slope)
    signatures = {name: getattr(module, method) for name, method in SIGNATURES.items()}
    tf.saved_model.save(module, str(path), signatures=signatures)
    return path


def add_defaults(path: Path) -> None:
    """Gives the `pair` signature a default for b, which the Python API cannot."""
    file = path / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    signature = model.meta_graphs[0].signature_def["pair"]
    defaulted = model.meta_graphs[0].signature_def["pair_with_default"]
    defaulted.CopyFrom(signature)
    defaulted.defaults["b"].CopyFrom(tf.make_tensor_proto([10.0]))
    file.write_bytes(model.SerializeToString())


@pytest.fixture(scope="session")
def doubling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel in which y = 2x."""
    path = save_tiny(tmp_path_factory.mktemp("models") / "doubling", 2.0)
    add_defaults(path)
    return path


@pytest.fixture(scope="session")
def tripling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel in which y = 3x."""
    return save_tiny(tmp_path_factory.mktemp("models") / "tripling", 3.0)


def push(model: Path, base: Path, version: int | str) -> Path:
    """Puts a model under a base path as a pusher does: written aside, then renamed."""
    base.mkdir(parents=True, exist_ok=True)
    aside = base / f"{version}.tmp"
    shutil.copytree(model, aside)
    return aside.rename(base / str(version))


@pytest.fixture
def pusher() -> Callable[[Path, Path, int | str], Path]:
    return push


@pytest.fixture
def base_path(doubling: Path, tmp_path: Path) -> Path:
    """A base path of a model named `tiny`, with y = 2x as version 1."""
    push(doubling, tmp_path / "tiny", 1)
    return tmp_path / "tiny"


@dataclass
class Client:
    """The stubs of a server, and requests with short names."""

    channel: grpc.Channel
    management: grpc.Channel | None = None

    def __post_init__(self) -> None:
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)
        managed = self.management or self.channel
        self.managed = model_service_pb2_grpc.ModelServiceStub(managed)

    @staticmethod
    def spec(
        name: str = "tiny",
        signature: str = "",
        version: int | None = None,
        label: str | None = None,
    ) -> model_pb2.ModelSpec:
        spec = model_pb2.ModelSpec(name=name, signature_name=signature)
        if version is not None:
            spec.version.value = version
        if label is not None:
            spec.version_label = label
        return spec

    @staticmethod
    def examples(*sizes: float) -> input_pb2.Input:
        source = input_pb2.Input()
        source.example_list.SetInParent()
        for size in sizes:
            example = source.example_list.examples.add()
            example.features.feature["size"].float_list.value.append(size)
        return source

    def predict_request(self, spec: model_pb2.ModelSpec | None = None, **inputs):
        request = predict_pb2.PredictRequest()
        request.model_spec.CopyFrom(spec or self.spec())
        for alias, value in inputs.items():
            request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
        return request

    def predict(self, spec: model_pb2.ModelSpec | None = None, **inputs) -> dict[str, np.ndarray]:
        response = self.prediction.Predict(self.predict_request(spec, **inputs), timeout=30)
        return {alias: tf.make_ndarray(value) for alias, value in response.outputs.items()}

    def classify(self, spec: model_pb2.ModelSpec, source: input_pb2.Input):
        request = classification_pb2.ClassificationRequest(model_spec=spec, input=source)
        return self.prediction.Classify(request, timeout=30)

    def regress(self, spec: model_pb2.ModelSpec, source: input_pb2.Input):
        request = regression_pb2.RegressionRequest(model_spec=spec, input=source)
        return self.prediction.Regress(request, timeout=30)

    def multi_inference(self, tasks: list[tuple[str, str]], source: input_pb2.Input):
        request = inference_pb2.MultiInferenceRequest(input=source)
        for signature, method in tasks:
            request.tasks.add(model_spec=self.spec(signature=signature), method_name=method)
        return self.prediction.MultiInference(request, timeout=30)

    def metadata(self, spec: model_pb2.ModelSpec | None, *fields: str):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
        if spec is not None:
            request.model_spec.CopyFrom(spec)
        return self.prediction.GetModelMetadata(request, timeout=30)

    def status(self, spec: model_pb2.ModelSpec | None):
        request = get_model_status_pb2.GetModelStatusRequest()
        if spec is not None:
            request.model_spec.CopyFrom(spec)
        return self.models.GetModelStatus(request, timeout=30).model_version_status

    def states(self, name: str = "tiny") -> dict[int, str]:
        """State names by version."""
        return {
            entry.version: get_model_status_pb2.ModelVersionStatus.State.Name(entry.state)
            for entry in self.status(self.spec(name))
        }

    def reload(self, *models: dict, metadata: tuple[tuple[str, str], ...] = ()):
        request = model_management_pb2.ReloadConfigRequest()
        request.config.model_config_list.SetInParent()
        for model in models:
            labels = model.pop("labels", {})
            specific = model.pop("specific", None)
            entry = request.config.model_config_list.config.add(
                model_platform="tensorflow", **model
            )
            entry.version_labels.update(labels)
            if specific is not None:
                entry.model_version_policy.specific.versions.extend(specific)
        return self.managed.HandleReloadConfigRequest(request, timeout=30, metadata=metadata)


@pytest.fixture
def serving() -> Iterator[Callable[..., ModelServer]]:
    """Starts servers of a base path, with options, and stops them after the test."""
    started: list[ModelServer] = []

    def start(base: Path, name: str | None = None, **options) -> ModelServer:
        ports = {"port": 0, "rest_port": 0, "management_port": 0}
        defaults = {**ports, "load_retries": 0, "poll_seconds": 0.05}
        server = ModelServer.at(base, name, **{**defaults, **options})
        started.append(server)
        return server.start(timeout=60)

    yield start
    for server in started:
        server.stop(grace=5)


@pytest.fixture
def client_of() -> Iterator[Callable[[ModelServer], Client]]:
    """Makes clients of servers, and closes them after the test."""
    channels: list[grpc.Channel] = []

    def channel(address: str) -> grpc.Channel:
        channels.append(grpc.insecure_channel(address))
        return channels[-1]

    def make(server: ModelServer) -> Client:
        managed = getattr(server, "management_address", None)
        return Client(channel(server.address), channel(managed) if managed else None)

    yield make
    for channel in channels:
        channel.close()


@pytest.fixture(scope="session")
def shared_server(
    doubling: Path, tripling: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelServer]:
    """A server of `tiny`: version 1 doubles (label stable), 2 triples, 3 does not load."""
    base = tmp_path_factory.mktemp("shared") / "tiny"
    push(doubling, base, 1)
    push(tripling, base, 2)
    (base / "3").mkdir()
    from serving.server import VersionPolicy

    model = ModelConfig("tiny", str(base), VersionPolicy(everything=True), {"stable": 1})
    options = ServerOptions(port=0, rest_port=0, load_retries=0, health_service=True)
    server = ModelServer([model], options).start(timeout=60)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def client(shared_server: ModelServer) -> Iterator[Client]:
    with grpc.insecure_channel(shared_server.address) as channel:
        yield Client(channel)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits until a condition holds, and fails when it does not within a minute."""

    def wait(condition: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not come to pass"
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def rest(shared_server):
    """Calls a path of the server: (status, parsed body or text)."""

    def call(method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", shared_server.rest_port, timeout=30)
        payload = json.dumps(body).encode() if isinstance(body, dict) else body
        connection.request(method, path, payload, headers or {})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        is_json = response.getheader("Content-Type") == "application/json" and text
        return response.status, json.loads(text) if is_json else text

    return call
