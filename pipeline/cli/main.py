"""The `shelfsort` command: commands are imported when they are called, so `--help` is instant."""

import importlib
import os
import sys

import click

from pipeline.errors import InputError, NotBlessed, RunFailed

COMMANDS = {
    "run": "pipeline.cli.run:run",
    "watch": "pipeline.cli.watch:watch",
    "demo": "pipeline.cli.demo:demo",
    "compile": "pipeline.cli.kubeflow:compile_spec",
    "lint-spec": "pipeline.cli.kubeflow:lint_spec",
    "submit": "pipeline.cli.kubeflow:submit",
    "serve": "pipeline.cli.serve:serve",
    "predict": "pipeline.cli.predict:predict",
    "models": "pipeline.cli.models:models",
    "report": "pipeline.cli.report:report",
    "runs": "pipeline.cli.runs:runs",
}
SUMMARIES = {
    "run": "Run the whole pipeline on this machine.",
    "watch": "Train again whenever new labels arrive.",
    "demo": "Make a small catalogue, run everything on it, ask the model over gRPC.",
    "compile": "Write the pipeline spec for Kubeflow Pipelines or Vertex AI.",
    "lint-spec": "Name what the chosen backend cannot run in a pipeline spec.",
    "submit": "Start a compiled pipeline on a Kubeflow Pipelines server.",
    "serve": "Serve pushed models with TF Serving's APIs.",
    "predict": "Ask a model server about one product.",
    "models": "List, roll back, prune and verify pushed models.",
    "report": "Say where a run's report lies, or open it.",
    "runs": "List the runs of an output folder and their figures.",
}

EXIT_FAILURE, EXIT_BAD_INPUT, EXIT_NOT_BLESSED = 1, 2, 3


class LazyGroup(click.Group):
    """A group whose commands are named in a table and imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        target = COMMANDS.get(name)
        if target is None:
            return None
        module, attribute = target.split(":")
        return getattr(importlib.import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in COMMANDS])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="shelfsort")
def shelfsort() -> None:
    """Puts every product on the right shelf, and says when it is not sure.

    \b
    Examples:
      shelfsort run --manifest labelled.manifest --taxonomy taxonomy.json --output out
      shelfsort serve --model-base-path out/serving
      shelfsort predict --address localhost:8500 --title "Canvas tote bag"
    """


def main() -> None:
    """Entry point: turns our errors into one line and the documented exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        status = shelfsort.main(prog_name="shelfsort", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except InputError as error:
        click.echo(f"shelfsort: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)
    except NotBlessed as verdict:
        click.echo(f"shelfsort: not blessed: {verdict}", err=True)
        sys.exit(EXIT_NOT_BLESSED)
    except RunFailed as error:
        click.echo(f"shelfsort: failed: {error}", err=True)
        sys.exit(EXIT_FAILURE)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("shelfsort: stopped", err=True)
        sys.exit(EXIT_FAILURE)


if __name__ == "__main__":
    main()
