"""`shelfsort compile`, `lint-spec` and `submit`: the pipeline on Kubeflow and Vertex AI."""

import contextlib
import dataclasses
import json
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import settings_options
from pipeline.config import Config, load_config
from pipeline.kubeflow.destination import Destination, check_destination
from pipeline.kubeflow.lint import lint
from pipeline.kubeflow.spec import load_spec
from pipeline.locations import TARGETS
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.files import refuse_inputs, write_text
from shelfsort.core.progress import LOGGER_NAME
from shelfsort.core.storage import scheme
from shelfsort.core.terminal import one_line

if TYPE_CHECKING:
    from components.manifest_example_gen.preflight import Preflight

EXIT_BAD_INPUT = 2

_target = click.option(
    "--target",
    type=click.Choice(TARGETS),
    default="kubeflow",
    show_default=True,
    help="Backend that runs the pipeline.",
)


@click.command("compile")
@_target
@click.option(
    "--manifest",
    required=True,
    help="Manifest, or folder or pattern of manifests, at the path that the steps see.",
)
@click.option(
    "--taxonomy",
    default="",
    help="Category tree, at the path that the steps see. Without it, it is built from the labels.",
)
@click.option("--root", required=True, help="Folder on a volume or bucket for artifacts.")
@click.option("--serving", required=True, help="Folder or bucket that models are pushed to.")
@click.option("--image", required=True, help="Shelfsort's image: NAME@sha256:DIGEST.")
@click.option("--output", required=True, help="YAML file to write.")
@settings_options
@click.option(
    "--skip-input-check",
    is_flag=True,
    help="Do not read the input now; each run reads it instead.",
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

    The manifest, the taxonomy, the serving folder and the root are parameters of each run; the
    options here set their defaults. The command checks the input as `shelfsort run` does. Section
    `kubeflow` of the settings has the training step's resources, volumes and retries.

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

    config = load_config(config_file, overrides)
    if Path(output).suffix not in (".yaml", ".yml"):
        raise InputError(
            f"--output: {output!r} is not a YAML file. Give a name that ends in .yaml."
        )
    refuse_inputs(output, config_file, taxonomy)
    destination = Destination(
        target=target,
        image=image,
        root=root.rstrip("/"),
        manifest=manifest,
        taxonomy=taxonomy,
        serving_dir=f"{serving.rstrip('/')}/{config.name}",
    )
    check_destination(destination, config)
    if not skip_input_check:
        checked = _checked_input(manifest, taxonomy, config)
        destination = dataclasses.replace(
            destination, content_digest=checked.digest, spans=json.dumps(checked.files)
        )
    with _only_our_words():
        from pipeline.kubeflow.compiler import compile_pipeline

        text = compile_pipeline(destination, config)
    try:
        write_text(output, text)
    except OSError as error:
        raise InputError(f"--output: {output}: cannot be written ({error.strerror}).") from error
    click.echo(f"{output}: pipeline {config.name} for {target}")


@click.command("lint-spec")
@click.argument("file")
@_target
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON list.")
@click.pass_context
def lint_spec(context: click.Context, file: str, target: str, as_json: bool) -> None:
    """Report what a backend could not run in a pipeline spec, and what to do instead.

    The command reads the compiled spec of any TFX pipeline, in YAML or JSON. The exit status is 2
    if there are findings.

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
            click.echo(one_line(f"{file}:{finding.line}: {finding}"))
        if not findings:
            click.echo(f"{file}: {target} can run all of it")
    if findings:
        context.exit(EXIT_BAD_INPUT)


@click.command()
@click.argument("file")
@click.option("--host", required=True, help="Address of the Kubeflow Pipelines API.")
@click.option("--namespace", default="", help="Namespace, in a multi-user installation.")
@click.option("--experiment", default="shelfsort", show_default=True, help="Experiment of the run.")
@click.option("--run-name", default="", help="Name of the run. Default: the file and the time.")
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="Override one parameter. Repeatable.",
)
@click.option("--root", default="", help="Folder or bucket for artifacts. Default: as compiled.")
@click.option("--no-cache", is_flag=True, help="Run every step, without the cache.")
@click.option(
    "--schedule",
    metavar="CRON",
    help="Start runs on this schedule: six fields, seconds first. It replaces one of its name.",
)
@click.option(
    "--catch-up", is_flag=True, help="With --schedule: make up for runs that were missed."
)
@click.option(
    "--when-new",
    is_flag=True,
    help="Start a run only if no run of the experiment has had this content.",
)
@click.option(
    "--wait", is_flag=True, help="Wait for the end of the run, and exit with 1 if it failed."
)
@click.option("--timeout", default=86_400.0, show_default=True, help="Maximum seconds to wait.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def submit(
    file: str,
    host: str,
    namespace: str,
    experiment: str,
    run_name: str,
    params: tuple[str, ...],
    root: str,
    no_cache: bool,
    schedule: str | None,
    catch_up: bool,
    when_new: bool,
    wait: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Start a compiled pipeline on a Kubeflow Pipelines server.

    The command reads a token from the environment variable KFP_TOKEN and never prints it. It checks
    the spec as `lint-spec` does before it sends anything.

    With --when-new it starts no run if a run of the experiment has had the same manifest, taxonomy
    and images and has not failed. For this it must be able to read the manifest.

    \b
    Examples:
      shelfsort submit pipeline.yaml --host http://localhost:8080 --wait
      shelfsort submit pipeline.yaml --host https://kfp.example --namespace team \\
          --param manifest=/data/new.manifest
      shelfsort submit pipeline.yaml --host https://kfp.example --schedule "0 0 3 * * *"
      shelfsort submit pipeline.yaml --host https://kfp.example --when-new
    """
    from pipeline.kubeflow import submit as submission

    if catch_up and not schedule:
        raise InputError("--catch-up: there is no schedule. Give --schedule too.")
    if schedule and (wait or when_new):
        option = "--wait" if wait else "--when-new"
        raise InputError(f"{option}: cannot be combined with --schedule. Give only one of them.")
    server = submission.Server(host, namespace, os.environ.get(submission.TOKEN_VARIABLE, ""))
    request = submission.Request(
        file, run_name, experiment, _pairs(params), root, cached=not no_cache
    )
    if schedule:
        made = submission.start_schedule(server, request, schedule, catches_up=catch_up)
        _say({"schedule_id": made}, as_json)
        return
    if when_new:
        started = submission.start_run_when_new(server, request)
        if started is None:
            _say({"run_id": None} if as_json else {"nothing": "new"}, as_json)
            return
    else:
        started = submission.start_run(server, request)
    outcome = {"run_id": started}
    if not wait:
        _say(outcome, as_json)
        return
    with _progress_on_stderr():
        state = submission.wait_for(server, outcome["run_id"], timeout)
    _say({**outcome, "state": state}, as_json)
    if state != "SUCCEEDED":
        raise RunFailed(f"run {outcome['run_id']} ended as {state}")


def _pairs(params: tuple[str, ...]) -> dict[str, str]:
    pairs = dict(param.partition("=")[::2] for param in params)
    for param in params:
        if "=" not in param:
            raise InputError(f"--param {param}: not of the form NAME=VALUE.")
    return pairs


def _say(outcome: dict[str, str | None], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(outcome))
    else:
        click.echo(", ".join(f"{key.replace('_', ' ')} {value}" for key, value in outcome.items()))


@contextlib.contextmanager
def _progress_on_stderr() -> Iterator[None]:
    handler = logging.StreamHandler()
    logger = logging.getLogger(LOGGER_NAME)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _checked_input(manifest: str, taxonomy: str, config: Config) -> "Preflight":
    from components.manifest_example_gen.preflight import check
    from shelfsort.products.manifest.files import find_manifest_files

    for place in (*find_manifest_files(manifest), *filter(None, [taxonomy])):
        if not scheme(place) and not Path(place).is_file():
            raise InputError(
                f"{place}: no such file. Give an existing file, or --skip-input-check if only the "
                "cluster can read it."
            )
    return check(manifest, taxonomy, config.data)


@contextlib.contextmanager
def _only_our_words() -> Iterator[None]:
    """Hides warnings and log records that libraries write while they are imported."""
    # TensorFlow writes past Python, and a missing GPU is not an error here.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    disabled = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(disabled)
