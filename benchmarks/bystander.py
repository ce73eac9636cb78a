"""How long an honest client waits while others misbehave, against its quiet value.

    python benchmarks/bystander.py

The client asks about one product at a time, over gRPC. Each ratio of its 99th percentiles is the
median of five rounds, quiet and troubled by turns. The model is that of `model_server.py`.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from model_server import Server, predict_request, save_network, served_calls

ROUNDS = 5
PREDICT = "/tensorflow.serving.PredictionService/Predict"


def half_open_calls(port: int, done: threading.Event) -> None:
    """200 calls that send headers and never a message."""
    import grpc

    def never() -> Iterator[bytes]:
        done.wait()
        yield from ()

    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.insecure_channel(f"127.0.0.1:{port}", options) for _ in range(4)]
    for number in range(200):
        method = channels[number % 4].stream_unary(PREDICT)
        method.future(never())
    done.wait()
    for channel in channels:
        channel.close()


def abandoned_calls(port: int, done: threading.Event) -> None:
    """Requests of 32 products whose callers give up after 20 ms, one after the other."""
    import grpc

    message = predict_request(32).SerializeToString()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        method = channel.unary_unary(PREDICT)
        while not done.is_set():
            method.future(message, timeout=0.02).exception()


def false_claims(port: int, done: threading.Event) -> None:
    """Tensors of a few bytes that claim half a billion values, one after the other."""
    import grpc
    from tensorflow.core.framework import types_pb2

    request = predict_request(1)
    tensor = request.inputs["examples"]
    tensor.Clear()
    tensor.dtype = types_pb2.DT_COMPLEX64
    tensor.tensor_shape.dim.add().size = 2**29
    tensor.scomplex_val.extend([1, 0])
    message = request.SerializeToString()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        method = channel.unary_unary(PREDICT)
        while not done.wait(0.01):
            method.future(message, timeout=5).exception()


MISCHIEF = {
    "half-open calls": half_open_calls,
    "abandoned calls": abandoned_calls,
    "false claims": false_claims,
}


def stand_by(base_path: Path, seconds: float) -> None:
    """Prints a bystander's p99 in ms, quiet and while others misbehave."""
    server = Server(base_path)
    where = (server.port, server.process.pid, 1, 1, seconds)
    spawn = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, spawn) as outside:
            for name, misbehave in MISCHIEF.items():
                quiet, troubled = [], []
                for _ in range(ROUNDS):
                    quiet.append(outside.submit(served_calls, *where).result().p99)
                    done = threading.Event()
                    other = threading.Thread(target=misbehave, args=(server.port, done))
                    other.start()
                    try:
                        troubled.append(outside.submit(served_calls, *where).result().p99)
                    finally:
                        done.set()
                        other.join()
                ratio = statistics.median(
                    high / low for high, low in zip(troubled, quiet, strict=True)
                )
                print(
                    f"{name:<16} p99 {statistics.median(quiet):>8.2f} ms quiet, "
                    f"{statistics.median(troubled):>8.2f} ms beside: {ratio:.2f} times",
                    flush=True,
                )
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory() as folder:
        base_path = Path(folder) / "model"
        base_path.mkdir()
        save_network(base_path / "1")
        stand_by(base_path, arguments.seconds)


if __name__ == "__main__":
    main()
