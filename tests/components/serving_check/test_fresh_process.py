import dataclasses
import time
from pathlib import Path

import pytest
import tensorflow as tf

from components.check import Check
from components.serving_check import fresh_process
from components.serving_check.artifact import ServingReport
from components.serving_check.fresh_process import replay_in_fresh_process
from components.serving_check.golden import golden_products
from components.serving_check.problems import check_of
from tests.fixtures.serving_cost import COST


@pytest.fixture
def requests(tmp_path, eval_examples) -> Path:
    path = tmp_path / "requests.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in golden_products(eval_examples):
            writer.write(example)
    return path


def _program(monkeypatch, tmp_path, script: str) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(fresh_process.sys, "executable", str(program))


def _replay(requests: Path, model: object = "model", time_limit_s: float = 60) -> ServingReport:
    return replay_in_fresh_process(
        str(model), requests, requests.parent, tolerance=1e-4, time_limit_s=time_limit_s
    )


@pytest.mark.slow
def test_a_good_model_is_blessed_by_a_new_process(requests, good_model):
    report = _replay(requests, good_model)
    assert report.blessed
    assert report.products == 16
    # TensorFlow alone takes this much.
    assert 150 < report.cost.peak_memory_mb < 2048


@pytest.mark.slow
def test_a_replay_that_hangs_is_stopped_with_its_children(requests, tmp_path, monkeypatch):
    mark = tmp_path / "survived"
    _program(monkeypatch, tmp_path, f"(sleep 1; touch {mark}) & sleep 60")
    started = time.monotonic()
    report = _replay(requests, time_limit_s=0.2)
    assert not report.blessed
    assert report.checks[0].reason == "no result within 0.2 s"
    assert time.monotonic() - started < 30
    time.sleep(1.5)
    assert not mark.exists()


def test_a_replay_that_crashes_says_how(requests, tmp_path, monkeypatch):
    _program(monkeypatch, tmp_path, "echo last words >&2; kill -SEGV $$")
    report = _replay(requests)
    assert not report.blessed
    assert report.checks[0].reason == "the process died of SIGSEGV: last words"


def test_a_replay_that_fails_says_with_what_status(requests, tmp_path, monkeypatch):
    _program(monkeypatch, tmp_path, "exit 7")
    assert _replay(requests).checks[0].reason == "the process ended with status 7: it said nothing"


def test_a_report_survives_its_json_form():
    report = ServingReport((Check("a", True, "fine"), Check("b", False, "höchst übel")), 3, 1.5)
    assert ServingReport.from_json(report.to_json()) == report
    assert not report.blessed
    measured = dataclasses.replace(report, cost=COST)
    assert ServingReport.from_json(measured.to_json()) == measured
    assert (COST.wire_bytes, COST.model_mb) == (5000, 24.0)


def test_a_report_without_a_check_blesses_nothing():
    assert not ServingReport((), 0, 0.0).blessed


def test_a_check_gives_its_first_problems_and_counts_the_rest():
    check = check_of("x", ["a", "b", "c", "d", "e"], "fine")
    assert (check.passed, check.reason) == (False, "a; b; c (and 2 more)")
    assert check_of("x", [], "fine") == Check("x", True, "fine")
