"""`shelfsort runs`: the runs of an output folder, and how two of them differ."""

import contextlib
import json
import logging
from collections.abc import Iterator, Mapping

import click

from pipeline.output_folder import OutputFolder
from shelfsort.cli.tables import Column, table_lines, terminal_width
from shelfsort.contract.figures import coverage, labels, parent_coverage
from shelfsort.contract.modalities import ALONE, COMBINED
from shelfsort.core.errors import InputError
from shelfsort.core.progress import LOGGER_NAME
from shelfsort.core.signals import EndingSignals
from shelfsort.core.terminal import one_line

_MODES = (*ALONE, COMBINED)


@click.command()
@click.option("--output", required=True, help="Output folder of the runs.")
@click.option(
    "--compare", nargs=2, metavar="A B", help="Two runs: an id, its beginning, or `latest`."
)
@click.option(
    "--trials",
    metavar="RUN",
    help="Trials of the search of settings in a run; `latest`: in the last one that searched.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--sqlite", metavar="FILE", help="Write the runs as an SQLite database.")
@click.option("--mlflow", metavar="URI", help="Put the runs into an MLflow tracking store.")
@click.option(
    "--wandb", metavar="FOLDER", help="Write the runs as Weights & Biases runs, for `wandb sync`."
)
@click.option("--wandb-online", is_flag=True, help="Send them to its server, too.")
@click.option("--tensorboard", is_flag=True, help="Show the training logs in TensorBoard.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=6006,
    show_default=True,
    help="Port of TensorBoard on 127.0.0.1; 0 for any.",
)
def runs(
    output: str,
    compare: tuple[str, str] | None,
    trials: str | None,
    as_json: bool,
    sqlite: str | None,
    mlflow: str | None,
    wandb: str | None,
    wandb_online: bool,
    tensorboard: bool,
    port: int,
) -> None:
    """List the runs of an output folder with their figures, or compare two.

    The list shows, for each modality, the accuracy on the eval products and the coverage at each
    target accuracy, of the category and of its parent category.

    The database has the tables run, setting, figure, cost and answer. There is one answer for each
    product, modality and split of a run.

    A comparison shows how two runs differ in data, settings and results. Exact paired tests on the
    products that both runs scored say whether the results differ by more than sampling error.

    The trials of a search are listed from the best to the worst, those that ended early last.

    \b
    Examples:
      shelfsort runs --output out
      shelfsort runs --output out --trials latest
      shelfsort runs --output out --compare 2026-01-15T09 latest
      shelfsort runs --output out --sqlite runs.sqlite
      shelfsort runs --output out --mlflow sqlite:///mlflow.db
      shelfsort runs --output out --wandb tracking
      shelfsort runs --output out --tensorboard
    """
    from pipeline.experiments.runs import find_run, list_runs

    if wandb_online and not wandb:
        raise InputError("--wandb-online: needs --wandb FOLDER.")
    _refuse_several(
        {
            "--compare": compare,
            "--trials": trials,
            "--sqlite": sqlite,
            "--mlflow": mlflow,
            "--wandb": wandb,
            "--tensorboard": tensorboard or None,
        }
    )
    found = list_runs(OutputFolder.existing(output))
    if sqlite is not None:
        with _notes_on_stderr():
            _write_database(found, sqlite)
    elif mlflow is not None:
        _log_to_mlflow(found, mlflow)
    elif trials is not None:
        searched = [run for run in found if "tuner_results" in run.artifacts]
        latest = searched if trials == "latest" and searched else found
        _list_trials(find_run(latest, trials), as_json)
    elif wandb is not None:
        with _notes_on_stderr():
            _log_to_wandb(found, wandb, wandb_online)
    elif tensorboard:
        _show_in_tensorboard(found, port)
    elif compare:
        _compare(find_run(found, compare[0]), find_run(found, compare[1]), as_json)
    elif as_json:
        _print_json([run.to_dict() for run in found])
    else:
        _list(found)


def _refuse_several(actions: Mapping[str, object | None]) -> None:
    """Refuses what would be left undone in silence, and an empty value."""
    given = [name for name, value in actions.items() if value is not None]
    if len(given) > 1:
        raise InputError(f"{given[0]} and {given[1]} do not go together. Call the command twice.")
    if given and not actions[given[0]]:
        raise InputError(f"{given[0]}: is empty. Give it a value.")


class _Notes(logging.Handler):
    """Prints facts worth a line, and no progress."""

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "note", False):
            click.echo(one_line(record.getMessage()), err=True)


@contextlib.contextmanager
def _notes_on_stderr() -> Iterator[None]:
    logger, handler = logging.getLogger(LOGGER_NAME), _Notes()
    logger.addHandler(handler)
    # Some packages give the root logger a handler when they are imported.
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = True
        logger.removeHandler(handler)


def _write_database(found, path: str) -> None:
    from pipeline.experiments.database import write_database

    write_database(found, path)
    click.echo(one_line(f"{path}: {_count(len(found))}"))


def _log_to_mlflow(found, uri: str) -> None:
    from pipeline.experiments.mlflow_export import log_to_mlflow

    _say_added(log_to_mlflow(found, uri), found)


def _log_to_wandb(found, folder: str, online: bool) -> None:
    from pipeline.experiments.wandb_export import log_to_wandb

    _say_added(log_to_wandb(found, folder, "online" if online else "offline"), found)


def _say_added(added, found) -> None:
    click.echo(
        f"Added {_count(len(added))} of {len(found)}; the others were there, or are under way."
    )


def _show_in_tensorboard(found, port: int) -> None:
    from pipeline.experiments.tensorboard import tensorboard

    signals = EndingSignals()
    with tensorboard(found, port) as address:
        click.echo(f"TensorBoard: {address}  (Ctrl-C ends it)")
        signals.wait()


def _count(runs: int) -> str:
    return f"{runs} {'run' if runs == 1 else 'runs'}"


def _compare(a, b, as_json: bool) -> None:
    from pipeline.experiments.comparison import compare
    from pipeline.experiments.text import lines_of

    comparison = compare(a, b)
    if as_json:
        _print_json(comparison.to_dict())
    else:
        click.echo("\n".join(map(one_line, lines_of(comparison, terminal_width()))))


def _list_trials(run, as_json: bool) -> None:
    from pipeline.experiments.searches import search_of, trial_lines

    search = search_of(run)
    if as_json:
        _print_json(search.to_dict())
    else:
        click.echo("\n".join(map(one_line, trial_lines(search, terminal_width()))))


def _list(found) -> None:
    """Prints each run's id and outcome, and below it a row of figures for each modality."""
    targets = tuple(sorted({target for run in found for target in run.metrics.targets}))
    names = ["accuracy", "parent_accuracy"]
    names += [*map(coverage, targets), *map(parent_coverage, targets)]
    label = labels(targets)
    columns = [
        Column("  eval"),
        Column("n", number=True),
        *(Column(label[name], number=True) for name in names),
    ]
    rows = [_row(run.metrics, mode, names) for run in found for mode in _MODES]
    lines = table_lines(columns, rows, terminal_width())
    head, body = lines[: -len(rows)], iter(lines[-len(rows) :])
    click.echo("\n".join(head))
    for run in found:
        version = f" as version {run.version}" if run.version else ""
        click.echo(one_line(f"{run.id}  {run.outcome}{version}"))
        for _ in _MODES:
            click.echo(next(body))


def _row(metrics, mode: str, names: list[str]) -> list[str]:
    figures = metrics.figures(mode)
    n = figures.get("n")
    shares = (_shown(figures.get(name)) for name in names)
    return [f"  {mode}", "-" if n is None else f"{n:,}", *shares]


def _print_json(content) -> None:
    click.echo(json.dumps(content, default=str))


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
