"""Runs in a real MLflow store."""

import dataclasses
import sqlite3
import sys
from contextlib import closing

import pytest

from shelfsort.core.errors import InputError
from tests.pipeline.experiments.conftest import Product


@pytest.fixture
def two_runs(make_run, tmp_path):
    report = tmp_path / "report"
    report.mkdir()
    (report / "index.html").write_text("<p>report</p>")
    made = []
    for hour, name in enumerate(("a", "b")):
        run = make_run(
            name, [Product("p1", "Boots", "Boots")], hour=hour, epochs=3, note="x" * 9000
        )
        made.append(dataclasses.replace(run, artifacts={**run.artifacts, "report": report}))
    return made


@pytest.mark.slow
def test_runs_are_put_into_mlflow_once_with_settings_figures_and_report(two_runs, tmp_path):
    from mlflow import MlflowClient

    from pipeline.experiments.mlflow_export import EXPERIMENT, RUN_TAG, log_to_mlflow

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = MlflowClient(tracking_uri=uri)
    experiment = client.create_experiment(EXPERIMENT, artifact_location=f"file://{tmp_path}/files")
    interrupted = client.create_run(experiment, tags={RUN_TAG: "b"})
    unfinished = dataclasses.replace(two_runs[0], id="c", outcome="unfinished")

    assert log_to_mlflow([*two_runs, unfinished], uri) == ["a", "b"]
    assert log_to_mlflow([*two_runs, unfinished], uri) == []

    found = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert set(found) == {"a", "b"}
    assert interrupted.info.run_id not in {run.info.run_id for run in found.values()}
    logged = found["b"]
    assert logged.data.params["epochs"] == "3"
    assert len(logged.data.params["note"]) == 6000
    assert logged.data.metrics["combined/eval/accuracy"] == 1.0
    assert logged.info.start_time == 1000 * int(two_runs[1].started.timestamp())
    assert logged.info.status == "FINISHED"
    assert [each.path for each in client.list_artifacts(logged.info.run_id, "report")] == [
        "report/index.html"
    ]


@pytest.mark.parametrize("content", ["tables of others", "no database"])
def test_a_file_that_holds_something_else_is_refused_and_left_alone(two_runs, tmp_path, content):
    from pipeline.experiments.mlflow_export import log_to_mlflow

    file = tmp_path / "decisions.db"
    if content == "no database":
        file.write_text("id,title\n")
    else:
        with closing(sqlite3.connect(file)) as database:
            database.execute("CREATE TABLE decision (id)")
    before = file.read_bytes()
    with pytest.raises(InputError, match=r"decisions\.db"):
        log_to_mlflow(two_runs, f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_without_mlflow_the_error_names_the_extra(two_runs, monkeypatch):
    from pipeline.experiments.mlflow_export import log_to_mlflow

    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(InputError, match=r"shelfsort\[mlflow\]"):
        log_to_mlflow(two_runs, "sqlite:///mlflow.db")
