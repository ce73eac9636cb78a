"""The trials of a run's search of settings, as a table."""

from components.tuner.artifact import Search, TrialRecord
from pipeline.experiments.runs import Run
from shelfsort.cli.tables import Column, table_lines
from shelfsort.contract.targets import percent_of
from shelfsort.core.errors import InputError


def search_of(run: Run) -> Search:
    """The search of a run.

    Raises:
        InputError: it made none.
    """
    if "tuner_results" not in run.artifacts:
        raise InputError(
            f"run {run.id}: has searched no settings. Run with --set tuning.trials=50."
        )
    return Search.read(run.artifacts["tuner_results"])


def trial_lines(search: Search, width: int | None = None) -> list[str]:
    """What was found, in a sentence, and a row for each trial.

    Args:
        search: of a run.
        width: characters to fit into; None wraps nothing.
    """
    keys = sorted({key for each in search.trials for key in each.settings})
    columns = [
        Column("trial"),
        Column(f"coverage at {percent_of(search.target)} %", number=True),
        Column("accuracy", number=True),
        *(Column(key, number=True) for key in keys),
        Column("CPU s", number=True),
    ]
    others = [each for each in search.trials if each.coverage is None]
    rows = [
        [
            f"{each.number} {_remark(each, search)}".strip(),
            _share(each.coverage, each.state),
            _share(each.accuracy, ""),
            *(_value(each, key) for key in keys),
            f"{each.cpu_seconds:.1f}",
        ]
        for each in (*search.ranked, *others)
    ]
    return [str(search), "", *table_lines(columns, rows, width)]


def _remark(trial: TrialRecord, search: Search) -> str:
    remarks = [
        *(["best"] if trial.number == search.best else []),
        *(["as configured"] if trial.number == search.configured else []),
    ]
    return f"({', '.join(remarks)})" if remarks else ""


def _share(value: float | None, missing: str) -> str:
    return f"{value:.1%}" if value is not None else missing


def _value(trial: TrialRecord, key: str) -> str:
    value = trial.settings.get(key)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
