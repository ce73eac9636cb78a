"""The `shelfsort` command. It imports a command only when it is called, so `--help` is instant."""

import gc
import importlib
import os
import sys
import warnings
from dataclasses import dataclass

import click

from shelfsort.core.errors import InputError, NotBlessed, RunFailed
from shelfsort.core.terminal import one_line


@dataclass(frozen=True)
class Command:
    """A command's module and its line in `--help`.

    Attributes:
        target: `module:attribute`, imported when the command is called.
        summary: one line that says what the command does.
        install: the distribution to install if the command's packages are missing.
    """

    target: str
    summary: str
    install: str


_PIPELINE, _SERVING, _LIBRARY = "shelfsort-pipeline", "shelfsort-serving", "shelfsort"
COMMANDS = {
    "run": Command("pipeline.cli.run:run", "Run the whole pipeline on this machine.", _PIPELINE),
    "check": Command(
        "pipeline.cli.check:check", "Say what data holds and what to expect of it.", _PIPELINE
    ),
    "watch": Command(
        "pipeline.cli.watch:watch", "Train again whenever new labels arrive.", _PIPELINE
    ),
    "retrain": Command(
        "pipeline.cli.retrain:retrain",
        "Train again if there are enough new labels or the promise is broken.",
        _PIPELINE,
    ),
    "demo": Command(
        "pipeline.cli.demo:demo",
        "Run everything on a small generated catalogue and ask the model over gRPC.",
        _PIPELINE,
    ),
    "compile": Command(
        "pipeline.cli.kubeflow:compile_spec",
        "Write the pipeline spec for Kubeflow Pipelines or Vertex AI.",
        _PIPELINE,
    ),
    "compile-daily": Command(
        "pipeline.cli.daily:compile_daily_spec",
        "Write the daily batch as a pipeline for Kubeflow Pipelines.",
        _PIPELINE,
    ),
    "lint-spec": Command(
        "pipeline.cli.kubeflow:lint_spec",
        "Report what a backend could not run in a pipeline spec.",
        _PIPELINE,
    ),
    "submit": Command(
        "pipeline.cli.kubeflow:submit",
        "Start a compiled pipeline on a Kubeflow Pipelines server.",
        _PIPELINE,
    ),
    "catalog": Command(
        "shelfsort.cli.catalog.command:catalog",
        "Collect products and pictures from sources, clean them, and write a manifest.",
        "'shelfsort[catalog]'",
    ),
    "labels": Command(
        "shelfsort.cli.labels.command:labels",
        "Ask people for labels, turn their answers into labels, and evaluate them.",
        "'shelfsort[labels]'",
    ),
    "label": Command(
        "shelfsort.cli.label:label",
        "Serve a page on which several people label products.",
        "'shelfsort[labels]'",
    ),
    "serve": Command(
        "serving.cli.serve:serve", "Serve pushed models with TensorFlow Serving's APIs.", _SERVING
    ),
    "predict": Command(
        "shelfsort.cli.predict:predict",
        "Ask a model about one product, or about a file of them.",
        _LIBRARY,
    ),
    "taxonomy": Command(
        "shelfsort.cli.taxonomy.command:taxonomy",
        "Check, build, search, reduce, compare and draw category trees.",
        _LIBRARY,
    ),
    "batch": Command(
        "shelfsort.cli.decide:batch",
        "Decide about a file of products by rules, into a database.",
        "'shelfsort[decisions]'",
    ),
    "rules": Command(
        "shelfsort.cli.rules.command:rules",
        "Check and try the rules that turn answers into decisions.",
        "'shelfsort[decisions]'",
    ),
    "review": Command(
        "shelfsort.cli.review.command:review",
        "Give people the decisions left to them, and audits.",
        "'shelfsort[decisions]'",
    ),
    "promise": Command(
        "shelfsort.cli.promise:promise",
        "Watch whether automatic decisions are right as often as promised.",
        "'shelfsort[decisions]'",
    ),
    "monitor": Command(
        "shelfsort.cli.monitor:monitor",
        "Show decisions day by day, and notice broken promises and drift.",
        "'shelfsort[decisions]'",
    ),
    "shadow": Command(
        "shelfsort.cli.shadow:shadow",
        "Let a candidate decide beside the live model, and compare the two.",
        "'shelfsort[decisions]'",
    ),
    "database": Command(
        "shelfsort.cli.database.command:database",
        "Back up, restore, thin out and delete from databases and files of answers.",
        "'shelfsort[decisions]'",
    ),
    "models": Command(
        "serving.cli.models:models",
        "List, describe, roll back, prune, verify and export pushed models.",
        _SERVING,
    ),
    "report": Command(
        "pipeline.cli.report:report", "Summarise a run's report, or open it.", _PIPELINE
    ),
    "runs": Command(
        "pipeline.cli.runs:runs", "List the runs of an output folder, or compare two.", _PIPELINE
    ),
}

EXIT_FAILURE, EXIT_BAD_INPUT, EXIT_NOT_BLESSED = 1, 2, 3


class LazyGroup(click.Group):
    """A group that imports each command of `COMMANDS` on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        command = COMMANDS.get(name)
        if command is None:
            return None
        module, attribute = command.target.split(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as missing:
            raise InputError(
                f"'shelfsort {name}' needs the package {missing.name!r}. "
                f"Run: pip install {command.install}"
            ) from missing

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="shelfsort")
def shelfsort() -> None:
    """Sort products into categories automatically where a target accuracy is certified.

    \b
    Examples:
      shelfsort check products.csv
      shelfsort run --data products.csv --output out
      shelfsort serve --model-base-path out/serving
      shelfsort predict --address localhost:8500 --title "Canvas tote bag"
    """


def _database_failure(error: Exception) -> str:
    """What a database said that failed, such as a full disk; "" for any other error."""
    package = type(error).__module__.partition(".")[0]
    if package not in ("sqlalchemy", "psycopg", "sqlite3"):
        return ""
    from shelfsort.core.database.engine import failure_of

    return failure_of(error)


def main() -> None:
    """Entry point. Turns Shelfsort's errors into one line and the documented exit status."""
    # Of packages that TensorFlow imports, about the next Python.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.")
    # TensorFlow logs errors about missing GPUs at every start; its own errors become exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        status = shelfsort.main(prog_name="shelfsort", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except InputError as error:
        for fault in error.faults:
            click.echo(f"shelfsort: {one_line(fault)}", err=True)
        sys.exit(EXIT_BAD_INPUT)
    except NotBlessed as verdict:
        click.echo(f"shelfsort: the gate refused the model: {one_line(str(verdict))}", err=True)
        sys.exit(EXIT_NOT_BLESSED)
    except RunFailed as error:
        click.echo(f"shelfsort: failed: {one_line(str(error))}", err=True)
        sys.exit(EXIT_FAILURE)
    except BrokenPipeError:
        # Nobody reads the rest. Python would say so again when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(EXIT_FAILURE)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        reason = f"{place}{error.strerror or error}"
        click.echo(f"shelfsort: failed: {one_line(reason)}", err=True)
        sys.exit(EXIT_FAILURE)
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        usage = f" Run: {context.command_path} --help" if context else ""
        click.echo(f"shelfsort: {one_line(error.format_message())}{usage}", err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("shelfsort: stopped", err=True)
        sys.exit(EXIT_FAILURE)
    except Exception as error:
        if not (reason := _database_failure(error)):
            raise
        click.echo(f"shelfsort: failed: {one_line(reason)}", err=True)
        sys.exit(EXIT_FAILURE)
    finally:
        # The interpreter would look for garbage in all that was imported: half a second of an end.
        gc.freeze()


if __name__ == "__main__":
    main()
