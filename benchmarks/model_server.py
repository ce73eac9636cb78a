"""What gRPC and REST cost over the bare model call, and what micro-batching gives back.

    python benchmarks/model_server.py --model out/serving/shelfsort/1

Every figure is taken three times, the bare call and the server by turns, so that whatever else
the machine does meets both alike; the table gives the median. The server runs as a process of
its own, and so do its clients: on a machine with few processors they cost it some of its time.

Without --model it makes a convolutional network of EfficientNet-Lite0's cost (0.4 billion
multiplications for a 224 x 224 picture) with random weights.
"""

import argparse
import base64
import http.client
import io
import itertools
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorflow_serving.apis import predict_pb2

ROUNDS = 3
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
HEADINGS = (
    f"{'rows':>4} {'clients':>7}  {'what':<12} {'req/s':>8} {'of bare':>8} "
    f"{'p50 ms':>8} {'over bare':>10} {'p99 ms':>8} {'CPU ms/req':>11}"
)


@dataclass(frozen=True)
class Run:
    """One measurement: requests answered in so many seconds, latencies in ms, CPU seconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu_seconds / self.requests


def product() -> bytes:
    """A serialised product as a shop sends it: a title, a description, a 224 x 224 JPEG."""
    import numpy as np
    import tensorflow as tf
    from PIL import Image

    ramp = np.add.outer(np.arange(224), np.arange(224)) % 256
    noise = np.random.default_rng(0).integers(0, 60, (224, 224, 3))
    picture = io.BytesIO()
    Image.fromarray(((ramp[..., None] + noise) % 256).astype(np.uint8)).save(picture, "JPEG")
    example = tf.train.Example()
    for name, value in {
        "product_id": b"1",
        "title": b"Canvas tote bag with leather handles",
        "description": b"A roomy bag for market days, 38 x 42 cm",
        "image": picture.getvalue(),
    }.items():
        example.features.feature[name].bytes_list.value.append(value)
    return example.SerializeToString()


def save_network(path: Path) -> None:
    """A network with a product model's inputs, and an image tower of a real one's cost."""
    import tensorflow as tf

    class Network(tf.Module):
        def __init__(self):
            widths = [3, 32, 96, 192, 256, 320]
            self.kernels = [
                tf.Variable(tf.random.normal([3, 3, a, b], stddev=0.05, seed=i))
                for i, (a, b) in enumerate(itertools.pairwise(widths))
            ]
            self.head = tf.Variable(tf.random.normal([320, 90], stddev=0.05, seed=9))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(self, examples):
            spec = {"image": tf.io.FixedLenFeature([], tf.string, "")}
            images = tf.map_fn(
                lambda data: tf.ensure_shape(tf.io.decode_jpeg(data, channels=3), [224, 224, 3]),
                tf.io.parse_example(examples, spec)["image"],
                fn_output_signature=tf.uint8,
            )
            x = (tf.cast(images, tf.float32) - 127.0) / 128.0
            for kernel in self.kernels:
                x = tf.nn.relu6(tf.nn.conv2d(x, kernel, strides=2, padding="SAME"))
            scores = tf.nn.softmax(tf.reduce_mean(x, [1, 2]) @ self.head)
            return {"score": tf.reduce_max(scores, 1), "top_scores": tf.math.top_k(scores, 5)[0]}

    network = Network()
    tf.saved_model.save(network, str(path), signatures={"serving_default": network.serve})


def under_load(make_call: Callable[[], Callable[[], None]], clients: int, seconds: float):
    """Latencies in ms of calls made by `clients` threads for so long, and the time it took.

    Args:
        make_call: makes a thread's own call, before the clock starts.
    """
    calls = [make_call() for _ in range(clients)]
    for call in calls:
        call()
    latencies: list[list[float]] = [[] for _ in calls]
    begin = threading.Barrier(clients + 1)

    def work(call: Callable[[], None], into: list[float]) -> None:
        begin.wait()
        end = time.perf_counter() + seconds
        while (start := time.perf_counter()) < end:
            call()
            into.append(1000 * (time.perf_counter() - start))

    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(calls, latencies, strict=True)
    ]
    for thread in threads:
        thread.start()
    begin.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    return [value for part in latencies for value in part], time.perf_counter() - started


def summary(latencies: Sequence[float], seconds: float, cpu_seconds: float) -> Run:
    ordered = sorted(latencies)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return Run(len(ordered), seconds, statistics.median(ordered), p99, cpu_seconds)


_bare: dict[str, object] = {}


def bare_calls(model: str, rows: int, clients: int, seconds: float) -> Run:
    """The model's session call, by threads of this process."""
    import numpy as np

    from serving.server.config import ServerOptions
    from serving.server.servable import load

    if model not in _bare:
        _bare[model] = load(model, ServerOptions(batching=False))
    servable = _bare[model]
    signature = servable.signatures["serving_default"]
    batch = np.array([product()] * rows, dtype=object)
    inputs = {"examples": batch}
    before = time.process_time()
    latencies, took = under_load(lambda: lambda: servable.run(signature, inputs), clients, seconds)
    return summary(latencies, took, time.process_time() - before)


def empty_calls(port: int, seconds: float) -> Run:
    """A status request, which no model answers: what gRPC alone takes on this machine."""
    import grpc
    from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "model"

    def make_call() -> Callable[[], None]:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        return lambda: stub.GetModelStatus(request, timeout=120)

    latencies, took = under_load(make_call, 1, seconds)
    return summary(latencies, took, 0.0)


def predict_request(rows: int) -> "predict_pb2.PredictRequest":
    """A request for so many products."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = "model"
    request.inputs["examples"].CopyFrom(tf.make_tensor_proto([product()] * rows))
    return request


def served_calls(port: int, pid: int, rows: int, clients: int, seconds: float) -> Run:
    """The same over gRPC, each client with a connection of its own."""
    import grpc
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    request = predict_request(rows)
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]

    def make_call() -> Callable[[], None]:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", options)
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return lambda: stub.Predict(request, timeout=120)

    before = cpu_seconds(pid)
    latencies, took = under_load(make_call, clients, seconds)
    return summary(latencies, took, cpu_seconds(pid) - before)


def rest_calls(port: int, pid: int, rows: int, clients: int, seconds: float) -> Run:
    """The same over REST, each client with a connection of its own."""
    instances = [{"b64": base64.b64encode(product()).decode()}] * rows
    body = json.dumps({"instances": instances}).encode()

    def make_call() -> Callable[[], None]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.connect()

        def call() -> None:
            connection.request("POST", "/v1/models/model:predict", body)
            response = connection.getresponse()
            if response.status != 200:
                raise RuntimeError(response.read())
            response.read()

        return call

    before = cpu_seconds(pid)
    latencies, took = under_load(make_call, clients, seconds)
    return summary(latencies, took, cpu_seconds(pid) - before)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


class Server:
    """`shelfsort serve` as a process of its own."""

    def __init__(self, base_path: Path, *options: str):
        command = [sys.executable, "-m", "shelfsort.cli.main", "serve", "--port", "0"]
        command += [
            "--rest-port",
            "0",
            "--model-base-path",
            str(base_path),
            "--model-name",
            "model",
            *options,
        ]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        line = self.process.stdout.readline()
        found = re.search(r":(\d+) \(gRPC\), .*:(\d+) \(REST\)", line)
        if not found:
            raise SystemExit("the server did not start")
        self.port, self.rest_port = int(found[1]), int(found[2])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


def median(runs: Sequence[Run], of: str) -> float:
    return statistics.median(getattr(run, of) for run in runs)


def compare(model: Path, base_path: Path, arguments: argparse.Namespace) -> None:
    batching, other = Server(base_path), Server(base_path, "--no-batching")
    ways = {
        "gRPC": (served_calls, batching.port, batching.process.pid),
        "no batching": (served_calls, other.port, other.process.pid),
        "REST": (rest_calls, batching.rest_port, batching.process.pid),
    }
    spawn = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, spawn) as inside, ProcessPoolExecutor(1, spawn) as outside:
            empty = outside.submit(empty_calls, batching.port, arguments.seconds).result()
            print(f"An empty gRPC call takes {empty.p50:.2f} ms here (p50, one client).")
            print(HEADINGS)
            for rows in arguments.rows:
                for clients in arguments.clients:
                    runs: dict[str, list[Run]] = {"bare": [], **{name: [] for name in ways}}
                    for _ in range(ROUNDS):
                        load = (rows, clients, arguments.seconds)
                        runs["bare"].append(inside.submit(bare_calls, str(model), *load).result())
                        for name, (call, *where) in ways.items():
                            runs[name].append(outside.submit(call, *where, *load).result())
                    show(rows, clients, runs)
    finally:
        batching.stop()
        other.stop()


def show(rows: int, clients: int, runs: dict[str, list[Run]]) -> None:
    bare = runs["bare"]
    for name, measured in runs.items():
        ratio = statistics.median(
            run.per_second / other.per_second for run, other in zip(measured, bare, strict=True)
        )
        over = median(measured, "p50") - median(bare, "p50")
        print(
            f"{rows:>4} {clients:>7}  {name:<12} {median(measured, 'per_second'):>8.1f} "
            f"{ratio:>8.2f} {median(measured, 'p50'):>8.2f} {over:>+10.2f} "
            f"{median(measured, 'p99'):>8.2f} {median(measured, 'cpu_ms'):>11.2f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a version's folder: DIR/NAME/VERSION")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 32], help="products a request")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory() as folder:
        base_path = Path(folder) / "model"
        base_path.mkdir()
        version = base_path / "1"
        if arguments.model:
            version.symlink_to(arguments.model.resolve(), target_is_directory=True)
        else:
            save_network(version)
        compare(version, base_path, arguments)


if __name__ == "__main__":
    main()
