"""The main job on a small catalogue: killed, started again, finished, repeated, refused."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from components.pusher.artifact import Push
from pipeline.local.run import check_live
from shelfsort.core.errors import RunFailed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[3]
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


def _versions(output: Path) -> list[str]:
    folder = output / "serving" / "shelfsort"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_killed_run_is_finished_without_repeating_its_finished_steps(finished_run):
    screen = finished_run.screen
    for component in ("ManifestExampleGen", "StatisticsGen", "ExampleValidator", "Transform"):
        assert re.search(rf"{component} +reused", screen), screen
    assert re.search(r"Trainer +\d+\.\d s", screen)
    assert (finished_run.output / "serving" / "shelfsort" / "1").is_dir()


def test_metrics_json_is_what_the_design_promises(finished_run):
    metrics = finished_run.metrics
    for mode in ("text", "image", "combined"):
        for split in ("held_out", "eval", "eval_gold"):
            assert metrics[mode][split].keys() >= FIGURES
        assert metrics["thresholds"][mode]["confidence"] == 0.95
    assert metrics["rejects"] == finished_run.catalogue.rejects
    assert metrics["seconds"].keys() >= {"ManifestExampleGen", "Trainer", "Evaluator", "Pusher"}
    assert metrics["peak_rss_mb"] > 100
    assert metrics["combined"]["eval"]["accuracy"] > 0.7


def test_the_pushed_model_is_complete_and_knows_where_it_came_from(finished_run):
    version = finished_run.output / "serving" / "shelfsort" / "1"
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


def test_the_report_is_one_file_that_gives_the_verdict(finished_run):
    page = (finished_run.output / "report" / "index.html").read_text("utf-8")
    assert "may go live" in page
    assert not re.search(r"""(src|href)=["']https?://""", page)


def test_the_screen_names_components_and_times_and_no_noise(finished_run):
    lines = finished_run.screen.splitlines()
    assert sum(bool(re.match(r"\[ ?\d+/\d+\] \w+", line)) for line in lines) >= 10
    assert not any(re.search("tensorflow|WARNING|absl", line, re.I) for line in lines[3:]), lines


@pytest.fixture(scope="module")
def refused(finished_run) -> Path:
    """The folder after the same run once more, and one whose model misses its floor."""
    output = finished_run.output
    # A push is never taken for granted: what was pushed may be gone.
    shutil.rmtree(output / "serving" / "shelfsort")
    again = finished_run.again()
    assert again.returncode == 0, again.stdout + again.stderr
    assert re.search(r"Trainer +reused", again.stdout)
    assert re.search(r"Pusher +\d+\.\d s", again.stdout)
    assert _versions(output) == ["1"]

    result = finished_run.again("gate.accuracy=0.999")
    assert result.returncode == 3
    assert "99.9 %" in result.stdout
    return output


def test_a_refused_model_is_not_pushed_and_its_run_is_compared(refused):
    assert _versions(refused) == ["1"]
    listed = json.loads(_runs(refused, "--json"))
    outcomes = [run["outcome"] for run in listed]
    assert outcomes == ["not blessed", "pushed", "pushed", "unfinished"]

    compared = _runs(refused, "--compare", "latest", listed[1]["id"])
    assert "The same products, labels, categories and splits." in compared
    assert re.search(r"gate.accuracy +0.999 → ", compared)
    assert "No difference in this table is significant." in compared


def _runs(output: Path, *more: str) -> str:
    command = [sys.executable, "-m", "shelfsort.cli.main", "runs", "--output", str(output), *more]
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


def test_a_push_that_is_not_live_is_no_success(tmp_path):
    base = tmp_path / "shelfsort"
    with pytest.raises(RunFailed, match="version 1 was pushed, but no version is live"):
        check_live(Push(pushed=True, version=1), base)
    check_live(Push(pushed=False), base)
