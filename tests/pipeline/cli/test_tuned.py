"""`--tuned`: settings of a search, from a file or from a run."""

from datetime import datetime, timezone

import pytest

from components.evaluator.artifact import Metrics
from components.tuner.artifact import BEST_FILE, write_best
from pipeline.cli.tuned import tuned_overrides
from pipeline.config import load_config
from pipeline.experiments import runs
from pipeline.experiments.runs import Run
from pipeline.output_folder import OutputFolder
from shelfsort.core.errors import InputError


@pytest.fixture
def output(tmp_path, monkeypatch):
    """An output folder with three runs, of which the first two have searched."""
    made = []
    for number, dropout in enumerate((0.1, 0.2, None)):
        folder = tmp_path / f"best-{number}"
        if dropout is not None:
            write_best(folder, {"fit.dropout": dropout, "calibration.searched_share": 0.5})
        artifacts = {"best_hyperparameters": folder} if dropout is not None else {}
        started = datetime(2026, 3, number + 1, tzinfo=timezone.utc)
        made.append(
            Run(f"2026-03-0{number + 1}", started, "pushed", "1", Metrics({}), {}, artifacts)
        )
    monkeypatch.setattr(runs, "list_runs", lambda _: made[::-1])
    OutputFolder.open(str(tmp_path / "out"))
    return str(tmp_path / "out")


def dropout(tuned: str, output: str, *overrides: str) -> float:
    return load_config(None, (*tuned_overrides(tuned, output), *overrides)).training.fit.dropout


def test_settings_come_from_a_file_or_from_the_run_that_found_them(output, tmp_path):
    assert dropout(str(tmp_path / "best-0" / BEST_FILE), output) == 0.1
    assert dropout("2026-03-01", output) == 0.1
    # The last run has searched nothing.
    assert dropout("latest", output) == 0.2


def test_groups_that_the_search_read_stay_out_of_the_evidence(output):
    config = load_config(None, tuned_overrides("latest", output))
    assert config.training.calibration.searched_share == 0.5


def test_what_is_no_search_is_refused(output, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="2026-03-03"):
        tuned_overrides("2026-03-03", output)
    monkeypatch.setattr(runs, "list_runs", lambda _: [])
    with pytest.raises(InputError, match="no run"):
        tuned_overrides("latest", output)
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(InputError, match=r"other\.json"):
        tuned_overrides(str(tmp_path / "other.json"), output)


def test_set_replaces_single_values_of_what_was_found(output):
    assert dropout("latest", output, "training.fit.dropout=0.4") == 0.4
