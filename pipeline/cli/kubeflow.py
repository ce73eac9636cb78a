"""`shelfsort compile`, `lint-spec` and `submit`: the pipeline on Kubeflow and Vertex AI."""

import contextlib
import dataclasses
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import click

from pipeline.config import Config, load_config
from pipeline.errors import InputError
from pipeline.kubeflow.lint import lint
from pipeline.kubeflow.locations import TARGETS
from pipeline.kubeflow.spec import load_spec

EXIT_BAD_INPUT = 2

_target = click.option(
    "--target", type=click.Choice(TARGETS), default="kubeflow", show_default=True
)


@click.command("compile")
@_target
@click.option("--manifest", required=True, help="Labelled manifest, as the steps will find it.")
@click.option("--taxonomy", required=True, help="Category tree, as the steps will find it.")
@click.option("--root", required=True, help="Where artifacts go: a volume's path or a bucket.")
@click.option("--serving", required=True, help="Folder or bucket that models are pushed into.")
@click.option("--image", required=True, help="Shelfsort's image: NAME@sha256:DIGEST.")
@click.option("--output", required=True, help="The YAML file to write.")
@click.option("--config", "config_file", help="YAML file of settings; all have defaults.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One setting.")
@click.option(
    "--skip-input-check",
    is_flag=True,
    help="The input cannot be read from here. Ingestion is then never served from a cache.",
)
def compile_spec(
    target: str,
    manifest: str,
    taxonomy: str,
    root: str,
    serving: str,
    image: str,
    output: str,
    config_file: str | None,
    overrides: tuple[str, ...],
    skip_input_check: bool,
) -> None:
    """Write the pipeline spec for Kubeflow Pipelines or Vertex AI.

    The manifest, the taxonomy, the serving folder and the root are parameters of each run; what is
    given here are their defaults. The input is checked as `shelfsort run` checks it. Resources of
    the training step, volumes and retries are settings: section `kubeflow`.

    \b
    Examples:
      shelfsort compile --manifest /data/labelled.manifest --taxonomy /data/taxonomy.json \\
          --root minio://mlpipeline/v2/artifacts --serving /data/serving \\
          --image registry.example/shelfsort@sha256:... --output pipeline.yaml \\
          --set kubeflow.volumes="{shelfsort-data: /data}"
      shelfsort compile --target vertex --manifest gs://bucket/labelled.manifest ...
      shelfsort compile ... --set kubeflow.trainer.gpus=1 \\
          --set kubeflow.trainer.node_selector="{pool: gpu}"
    """
    from pipeline.output_folder import write_atomically

    config = load_config(config_file, overrides)
    if Path(output).suffix not in (".yaml", ".yml"):
        raise InputError(f"--output: {output!r} is no YAML file. End its name in .yaml.")
    digest = "" if skip_input_check else _content_digest(manifest, taxonomy, config)
    with _only_our_words():
        from pipeline.kubeflow_runner import Destination, compile_pipeline

        destination = Destination(
            target=target,
            image=image,
            root=root.rstrip("/"),
            manifest=manifest,
            taxonomy=taxonomy,
            content_digest=digest,
            serving_dir=f"{serving.rstrip('/')}/{config.name}",
        )
        text = compile_pipeline(destination, config)
    try:
        write_atomically(Path(output), text.encode())
    except OSError as error:
        raise InputError(f"--output: {output}: cannot be written ({error.strerror}).") from error
    click.echo(f"{output}: {config.name} for {target}")


@click.command("lint-spec")
@click.argument("file")
@_target
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON list.")
@click.pass_context
def lint_spec(context: click.Context, file: str, target: str, as_json: bool) -> None:
    """Name what the chosen backend cannot run in a pipeline spec, and what to do instead.

    Reads what any TFX pipeline was compiled to, YAML or JSON. The exit status is 2 when there is
    something to name.

    \b
    Examples:
      shelfsort lint-spec pipeline.yaml
      shelfsort lint-spec pipeline.json --target vertex --json
    """
    findings = lint(load_spec(file), target)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{file}:{finding.line}: {finding}")
        if not findings:
            click.echo(f"{file}: nothing that {target} cannot run")
    if findings:
        context.exit(EXIT_BAD_INPUT)


def _content_digest(manifest: str, taxonomy: str, config: Config) -> str:
    from pipeline.run import check_input

    return check_input(manifest, taxonomy, config).digest


@contextlib.contextmanager
def _only_our_words() -> Iterator[None]:
    """Keeps warnings and records that libraries write while they are imported off the screen."""
    disabled = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(disabled)
