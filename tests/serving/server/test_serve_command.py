"""`shelfsort serve` as a process: its lines, its exit codes, its end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import grpc
import pytest
from click.testing import CliRunner

from serving.cli.following import follow
from serving.cli.serve import serve
from shelfsort.core.errors import InputError

READY = re.compile(
    r"Serving (\S+) version (\S+) on (127\.0\.0\.1:\d+) \(gRPC\), (127\.0\.0\.1:\d+) \(REST\)"
)


@pytest.fixture
def command():
    """Starts `shelfsort serve` with options and kills it after the test."""
    processes = []

    def start(*options):
        process = subprocess.Popen(
            [sys.executable, "-m", "shelfsort.cli.main", "serve", *map(str, options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def ready(process):
    """Name, version, gRPC address and REST address, from the line on stdout."""
    line = process.stdout.readline()
    found = READY.fullmatch(line.strip())
    assert found, line or process.stderr.read()
    return found.groups()


def test_help_shows_examples_without_loading_tensorflow():
    result = CliRunner().invoke(serve, ["--help"])
    assert result.exit_code == 0
    assert "Examples:" in result.output
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, serving.cli.serve; print('tensorflow' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.strip() == "False"


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--model-base-path", "a", "--model-config-file", "b"],
        ["--model-base-path", "missing"],
        ["--model-config-file", "missing"],
    ],
)
def test_what_cannot_be_served_is_an_input_error(tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(serve, options)
    assert isinstance(result.exception, InputError)


@pytest.mark.slow
def test_it_says_when_it_is_ready_serves_both_ports_and_stops(command, base_path):
    process = command("--model-base-path", base_path, "--port", 0, "--rest-port", 0)
    name, version, _, rest = ready(process)
    assert (name, version) == ("tiny", "1")
    body = json.dumps({"instances": [1.0]}).encode()
    with urllib.request.urlopen(f"http://{rest}/v1/models/tiny:predict", body) as response:
        assert json.load(response) == {"predictions": [2.0]}
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


@pytest.mark.slow
def test_sigterm_under_load_answers_what_was_taken(command, base_path, client):
    process = command("--model-base-path", base_path, "--port", 0, "--rest-port", 0)
    _, _, address, _ = ready(process)
    answers, failures, stop = [], [], threading.Event()

    def call():
        with grpc.insecure_channel(address) as channel:
            mine = type(client)(channel)
            spec = mine.spec(signature="slow")
            while not stop.is_set():
                try:
                    answers.append(mine.predict(spec, x=[1.0], steps=[2000])["y"].tolist())
                except grpc.RpcError as error:
                    failures.append(error)
                    return

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    stop.set()
    for thread in threads:
        thread.join()
    assert answers
    assert all(answer == [2.0] for answer in answers)
    # New calls are refused, which a client may repeat elsewhere; none is lost half-way.
    assert {error.code() for error in failures} <= {grpc.StatusCode.UNAVAILABLE}
    details = [error.details() for error in failures]
    assert not any("Socket closed" in text or "reset" in text for text in details)


@pytest.mark.slow
def test_a_first_load_that_fails_is_exit_status_1(command, tmp_path):
    (tmp_path / "broken" / "1").mkdir(parents=True)
    process = command(
        "--model-base-path", tmp_path / "broken", "--port", 0, "--max-num-load-retries", 0
    )
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert errors.splitlines()[-1].startswith("shelfsort: ") and "broken" in errors.splitlines()[-1]
    assert "Traceback" not in errors


@pytest.mark.slow
def test_a_taken_port_is_exit_status_1_and_one_line(command, base_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = command("--model-base-path", base_path, "--port", port, "--no-rest")
        _, errors = process.communicate(timeout=120)
    last = errors.splitlines()[-1]
    assert process.returncode == 1
    assert last.startswith("shelfsort: ") and f"127.0.0.1:{port}" in last


def test_a_configuration_that_names_an_empty_folder_can_be_corrected(
    serving, base_path, tmp_path, eventually
):
    server, stop = serving(base_path), threading.Event()
    (tmp_path / "empty").mkdir()
    config = tmp_path / "models.config"
    form = 'model_config_list {{ config {{ name: "{}" base_path: "{}" {} }} }}'
    platform = 'model_platform: "tensorflow"'
    config.write_text(form.format("new", tmp_path / "empty", platform))
    follow(server, str(config), b"", stop, 0.05, 0.2)
    try:
        eventually(lambda: server.manager.configs[0].base_path.endswith("empty"))
        config.write_text(form.format("other", base_path, platform))
        eventually(lambda: server.manager.available().get("other") == [1])
    finally:
        stop.set()


@pytest.mark.slow
def test_a_configuration_file_is_followed(
    command, base_path, tripling, pusher, tmp_path, eventually
):
    pusher(tripling, tmp_path / "other", 7)
    config = tmp_path / "models.config"

    def write(name, path):
        entry = f'name: "{name}" base_path: "{path}" model_platform: "tensorflow"'
        config.write_text(f"model_config_list {{ config {{ {entry} }} }}")

    def available(name):
        try:
            with urllib.request.urlopen(f"http://{rest}/v1/models/{name}") as response:
                return json.load(response)["model_version_status"][0]["state"] == "AVAILABLE"
        except urllib.error.HTTPError:
            return False

    write("tiny", base_path)
    process = command(
        "--model-config-file", config, "--port", 0, "--rest-port", 0,
        "--model-config-file-poll-wait-seconds", 0.1,
    )  # fmt: skip
    _, _, _, rest = ready(process)
    config.write_text("model_config_list { this is no configuration")
    write("other", tmp_path / "other")
    eventually(lambda: available("other"))
