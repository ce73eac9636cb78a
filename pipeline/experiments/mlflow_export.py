"""Runs in MLflow: settings as parameters, figures as metrics, the report as an artifact."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.experiments.figures import figures_of
from pipeline.experiments.runs import Run
from shelfsort.core.errors import InputError

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUN_TAG = "shelfsort.run"
"""Tag with the id of a run, by which it is found again."""
EXPERIMENT = "shelfsort"
"""The MLflow experiment that runs are put into."""
_STATUS = {"pushed": "FINISHED", "not blessed": "FINISHED", "failed": "FAILED"}
_PARAMETERS_AT_ONCE, _METRICS_AT_ONCE = 100, 1000
_LONGEST_PARAMETER = 6000
_OF_MLFLOW = {"alembic_version", "experiments", "runs"}
"""Tables of every version of its SQLite store."""


def log_to_mlflow(runs: Sequence[Run], uri: str, experiment: str = EXPERIMENT) -> list[str]:
    """Puts runs into an MLflow tracking store. Those that are there already are left alone.

    A run that an interrupted export left half there is put there again. Runs under way are left
    out.

    Args:
        runs: of one output folder.
        uri: of the tracking store: `sqlite:///mlflow.db`, `http://…`, or whatever MLflow takes.
        experiment: name of the MLflow experiment, which is made if it is missing.

    Returns:
        The ids of the runs that were added.

    Raises:
        InputError: MLflow is not installed, or the store refuses; or it is a SQLite file that holds
            something else.
    """
    _refuse_other_files(uri)
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError:
        raise InputError(
            "--mlflow: MLflow is not installed. Run pip install 'shelfsort[mlflow]'."
        ) from None
    try:
        client = MlflowClient(tracking_uri=uri)
        experiment_id = _experiment(client, experiment)
        new = [run for run in runs if run.outcome in _STATUS]
        return [run.id for run in new if _log(client, experiment_id, run)]
    except MlflowException as error:
        reason = str(error).splitlines()[0][:300]
        raise InputError(f"--mlflow {uri}: MLflow refuses: {reason}") from error


def _refuse_other_files(uri: str) -> None:
    """MLflow would put its tables into any SQLite file."""
    scheme, _, name = uri.partition(":///")
    path = Path(name.partition("?")[0])
    if scheme.partition("+")[0] != "sqlite" or not path.is_file() or not path.stat().st_size:
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            names = {name for (name,) in rows}
    except sqlite3.Error as error:
        raise InputError(f"--mlflow {uri}: is no SQLite file ({error}). Name another.") from error
    if names and not names >= _OF_MLFLOW:
        raise InputError(f"--mlflow {uri}: holds something else. Name another file.")


def _experiment(client: "MlflowClient", name: str) -> str:
    known = client.get_experiment_by_name(name)
    return known.experiment_id if known else client.create_experiment(name)


def _log(client: "MlflowClient", experiment: str, run: Run) -> bool:
    """Whether the run was added."""
    found = client.search_runs([experiment], filter_string=f"tags.`{RUN_TAG}` = '{run.id}'")
    if any(each.info.status != "RUNNING" for each in found):
        return False
    for interrupted in found:
        client.delete_run(interrupted.info.run_id)
    started = int(run.started.timestamp() * 1000)
    tags = {RUN_TAG: run.id, "shelfsort.outcome": run.outcome, "shelfsort.version": run.version}
    logged = client.create_run(experiment, start_time=started, tags=tags, run_name=run.id)
    _log_values(client, logged.info.run_id, run, started)
    if report := run.artifacts.get("report"):
        client.log_artifacts(logged.info.run_id, str(report), "report")
    client.set_terminated(logged.info.run_id, _STATUS[run.outcome])
    return True


def _log_values(client: "MlflowClient", run_id: str, run: Run, at: int) -> None:
    from mlflow.entities import Metric, Param

    parameters = (Param(name, _text(value)) for name, value in run.settings.items())
    while some := list(islice(parameters, _PARAMETERS_AT_ONCE)):
        client.log_batch(run_id, params=some)
    metrics = (Metric(name, value, at, 0) for name, value in figures_of(run).items())
    while several := list(islice(metrics, _METRICS_AT_ONCE)):
        client.log_batch(run_id, metrics=several)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text[:_LONGEST_PARAMETER]
