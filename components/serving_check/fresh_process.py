"""Runs the replay in a process of its own, with a time limit, and always comes back with a report.

A model that breaks TensorFlow, hangs or eats all memory takes that process down, not the pipeline.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import components
from components.check import Check
from components.serving_check.artifact import ServingReport

_TAIL_CHARS = 600
# A server has no accelerator unless it is given one, and answers must not depend on it.
_ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}


def replay_in_fresh_process(
    model_dir: str, requests: Path, scratch: Path, *, tolerance: float, time_limit_s: float
) -> ServingReport:
    """Replays `requests` (a TFRecord file) against a model, in a new process.

    A process that dies, hangs past the limit or leaves no report gives a report that says so.
    `scratch` is a folder for the process's words and its report.
    """
    words = scratch / "words.log"
    command = [sys.executable, "-m", "components.serving_check"]
    command += [model_dir, str(requests), str(scratch), str(tolerance)]
    started = time.monotonic()
    with words.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
        )
        try:
            status = process.wait(time_limit_s)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _stop(process)
    seconds = round(time.monotonic() - started, 2)
    if status is None:
        return _failed(f"no result within {time_limit_s:g} s", seconds)
    if status != 0:
        return _failed(f"the process {_ending(status)}: {_tail(words)}", seconds)
    return ServingReport.read(scratch)


def _environment() -> dict[str, str]:
    # The replay must find this very code, whatever folder the orchestrator starts in.
    root = str(Path(components.__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    inherited = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    return {**inherited, **_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(paths)}


def _stop(process: subprocess.Popen) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _ending(status: int) -> str:
    if status > 0:
        return f"ended with status {status}"
    return f"died of {signal.Signals(-status).name}"


def _tail(words: Path) -> str:
    text = words.read_bytes().decode("utf-8", "replace")
    return " ".join(text.split())[-_TAIL_CHARS:] or "it said nothing"


def _failed(reason: str, seconds: float) -> ServingReport:
    return ServingReport((Check("replay", False, reason),), products=0, seconds=seconds)
