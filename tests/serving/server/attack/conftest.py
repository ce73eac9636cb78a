"""A server in a process of its own, and what it owes to everybody while it is attacked."""

import contextlib
import http.client
import os
import re
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

DEADLINE_SECONDS = 20.0
"""Of a bystander's call: far above what a busy machine needs, far below for ever."""
# Requests in hand may take 256 MB by the server's own account, and the allocator keeps some more.
MEMORY_MB = 256
_SLACK_MB = 300
MAX_FILES = 512
"""That the server may open: fewer than an attacker."""


@dataclass
class Target:
    """The server under attack."""

    process: subprocess.Popen
    port: int
    rest_port: int
    max_files: int = MAX_FILES

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @property
    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


@pytest.fixture(scope="session")
def target(doubling, tmp_path_factory) -> Iterator[Target]:
    base = tmp_path_factory.mktemp("attacked") / "tiny"
    base.mkdir()
    (base / "1").symlink_to(doubling, target_is_directory=True)
    command = [sys.executable, "-m", "shelfsort.cli.main", "serve", "--model-base-path", str(base)]
    command += ["--port", "0", "--rest-port", "0", "--enable-grpc-healthcheck-service"]
    command += ["--max-concurrent", "100", "--request-memory-mb", str(MEMORY_MB)]
    command += ["--max-message-mb", "16", "--arrival-seconds", "5"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_FILES, MAX_FILES)),
    )
    found = re.search(r":(\d+) \(gRPC\), .*:(\d+) \(REST\)", process.stdout.readline())
    assert found
    yield Target(process, int(found[1]), int(found[2]))
    process.terminate()
    try:
        process.wait(60)
    finally:
        process.kill()


@dataclass
class Bystander:
    """Asks without pause, as an honest client does, and notes how it went."""

    ask: Callable[[], object]
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            began = time.monotonic()
            try:
                self.ask()
            except grpc.RpcError as error:
                self.failures.append(f"{error.code()}: {error.details()}")
            self.seconds.append(time.monotonic() - began)

    def __enter__(self) -> "Bystander":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join(2 * DEADLINE_SECONDS)


@pytest.fixture
def answers(target, client_of) -> Callable[[], None]:
    """Asks for a prediction, health and metrics; an attack that calls it lasts until they come."""
    client = client_of(target)
    request = client.predict_request(x=[1.0])
    health = health_pb2_grpc.HealthStub(client.channel)

    def ask() -> None:
        client.prediction.Predict(request, timeout=DEADLINE_SECONDS)
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE_SECONDS)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", target.rest_port, timeout=DEADLINE_SECONDS)
        ) as connection:
            connection.request("GET", "/monitoring/prometheus/metrics")
            assert connection.getresponse().status == 200

    return ask


@pytest.fixture
def unharmed(target, client_of, answers) -> Iterator[None]:
    """After the test: every bystander was answered, health answers, and memory is in bounds."""
    client = client_of(target)
    request = client.predict_request(x=[1.0])
    answers()
    before = target.resident_mb
    with Bystander(
        lambda: client.prediction.Predict(request, timeout=DEADLINE_SECONDS)
    ) as bystander:
        yield
        asked = len(bystander.seconds)
        answers()
        time.sleep(0.5)
    assert target.process.poll() is None
    assert bystander.failures == []
    assert len(bystander.seconds) > asked or asked > 0
    assert statistics.median(bystander.seconds) < DEADLINE_SECONDS
    assert target.resident_mb - before < MEMORY_MB + _SLACK_MB
