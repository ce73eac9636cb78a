"""The main job on a small catalogue: killed, started again, finished, repeated, refused."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from pipeline.demo.catalogue import make_catalogue

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
SETTINGS = (
    "data.splits={train: 50, calibration: 34, eval: 16}",
    "training.epochs=8",
    "training.folds=2",
    "evaluation.accepted_accuracy_95=0.7",
    "evaluation.accepted_accuracy_98=0.7",
    "evaluation.on_broken_category=report",
)
FIGURES = {
    "n",
    "accuracy",
    "macro_f1",
    "parent_accuracy",
    "coverage_at_95",
    "coverage_at_98",
    "parent_coverage_at_95",
    "parent_coverage_at_98",
    "accepted_accuracy_95",
    "accepted_accuracy_98",
    "coverage_at_95_oracle",
    "coverage_at_98_oracle",
    "ece",
}


def _command(catalogue, output: Path, *more: str) -> list[str]:
    command = [sys.executable, "-m", "pipeline.cli.main", "run", "--output", str(output)]
    command += ["--manifest", str(catalogue.manifest), "--taxonomy", str(catalogue.taxonomy)]
    for setting in (*SETTINGS, *more):
        command += ["--set", setting]
    return command


def _versions(output: Path) -> list[str]:
    folder = output / "serving" / "shelfsort"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    return make_catalogue(tmp_path_factory.mktemp("catalogue") / "c", products=420, seed=11)


@pytest.fixture(scope="module")
def killed(catalogue, tmp_path_factory) -> Path:
    """The output folder of a run that was killed while it trained."""
    output = tmp_path_factory.mktemp("run") / "out"
    started = time.monotonic()
    run = subprocess.Popen(
        _command(catalogue, output), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    for line in run.stdout:
        if "Transform" in line or time.monotonic() - started > 600:
            break
    time.sleep(2)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()
    assert _versions(output) == []
    assert not (output / "metrics.json").exists()
    return output


@pytest.fixture(scope="module")
def finished(catalogue, killed) -> tuple[Path, str]:
    """The same command again, to the end: the output folder and what the screen showed."""
    result = subprocess.run(_command(catalogue, killed), capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return killed, result.stdout


def test_a_killed_run_is_finished_without_repeating_its_finished_steps(finished):
    output, screen = finished
    for component in ("ManifestExampleGen", "StatisticsGen", "ExampleValidator", "Transform"):
        assert re.search(rf"{component} +reused", screen), screen
    assert re.search(r"Trainer +\d+\.\d s", screen)
    assert _versions(output) == ["1"]


def test_metrics_json_is_what_the_design_promises(finished, catalogue):
    metrics = json.loads((finished[0] / "metrics.json").read_text())
    for mode in ("text", "image", "combined"):
        for split in ("calibration", "eval", "eval_gold"):
            assert metrics[mode][split].keys() >= FIGURES
        assert metrics["thresholds"][mode]["confidence"] == 0.95
    assert metrics["rejects"] == catalogue.rejects
    assert metrics["seconds"].keys() >= {"ManifestExampleGen", "Trainer", "Evaluator", "Pusher"}
    assert metrics["peak_rss_mb"] > 100
    assert metrics["combined"]["eval"]["accuracy"] > 0.7


def test_the_pushed_model_is_complete_and_knows_where_it_came_from(finished):
    version = finished[0] / "serving" / "shelfsort" / "1"
    for name in (
        "saved_model.pb",
        "variables",
        "assets",
        "assets.extra/tf_serving_warmup_requests",
    ):
        assert (version / name).exists()
    lineage = json.loads((version / "assets.extra" / "shelfsort.json").read_text())
    assert lineage.keys() >= {
        "manifest_digest",
        "taxonomy_version",
        "thresholds",
        "metrics",
        "git_commit",
        "model_digest",
    }


def test_the_report_is_one_file_that_gives_the_verdict(finished):
    page = (finished[0] / "report" / "index.html").read_text("utf-8")
    assert "may go live" in page
    assert not re.search(r"""(src|href)=["']https?://""", page)


def test_the_screen_names_components_and_times_and_no_noise(finished):
    lines = finished[1].splitlines()
    assert sum(bool(re.match(r"\[ ?\d+/\d+\] \w+", line)) for line in lines) >= 10
    assert not any(re.search("tensorflow|WARNING|absl", line, re.I) for line in lines[3:]), lines


@pytest.fixture(scope="module")
def refused(finished, catalogue) -> Path:
    """The folder after the same run once more, and one whose model misses its floor."""
    output, _ = finished
    again = subprocess.run(_command(catalogue, output), capture_output=True, text=True)
    assert again.returncode == 0, again.stdout + again.stderr
    assert re.search(r"Trainer +reused", again.stdout)
    assert _versions(output) == ["1"]

    result = subprocess.run(
        _command(catalogue, output, "evaluation.accuracy=0.999"), capture_output=True, text=True
    )
    assert result.returncode == 3
    assert "Not blessed:" in result.stdout and "99.9 %" in result.stdout
    return output


def test_a_refused_model_is_not_pushed_and_its_run_is_compared(refused):
    assert _versions(refused) == ["1"]
    listed = json.loads(_runs(refused, "--json"))
    outcomes = [run["outcome"] for run in listed]
    assert outcomes == ["not blessed", "pushed", "pushed", "unfinished"]

    compared = _runs(refused, "--compare", "latest", listed[1]["id"])
    assert "The same products, labels, categories and splits." in compared
    assert re.search(r"evaluation.accuracy +0.999 → ", compared)
    assert "Nothing in this table is more than chance." in compared


def _runs(output: Path, *more: str) -> str:
    command = [sys.executable, "-m", "pipeline.cli.main", "runs", "--output", str(output), *more]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_review_notebook_draws_every_plot_of_it(refused, monkeypatch):
    _, pushed, *_ = json.loads(_runs(refused, "--json"))
    monkeypatch.setenv("SHELFSORT_OUTPUT", str(refused))
    monkeypatch.setenv("SHELFSORT_COMPARE", pushed["id"])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(ROOT / "notebooks" / "review_model.ipynb", as_version=4)
    # Raises on the first cell that fails.
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    drawn = {
        cell.source: sum("image/png" in output.get("data", {}) for output in cell.outputs)
        for cell in cells
        if cell.source.startswith("plots.")
    }
    assert len(drawn) == 6
    assert set(drawn.values()) == {1}, drawn
    assert any("99.9 %" in str(output) for output in outputs)
