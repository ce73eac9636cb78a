"""`shelfsort compile-daily`: the daily batch as a pipeline for Kubeflow."""

import re
from collections.abc import Sequence
from datetime import datetime

import click

from pipeline.kubeflow.destination import check_image
from shelfsort.cli.numbers import MOST_DAYS, FiniteRange
from shelfsort.core.errors import InputError
from shelfsort.core.files import write_text

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY = re.compile(r"[A-Za-z0-9._-]+")


@click.command("compile-daily")
@click.option("--image", required=True, help="Shelfsort's image: NAME@sha256:DIGEST.")
@click.option("--data", required=True, help="Products, as for `batch`: file, folder or pattern.")
@click.option("--rules", required=True, help="File of rules.")
@click.option("--database", required=True, help="SQLite file on a volume, or postgresql://….")
@click.option("--address", metavar="HOST:PORT", required=True, help="The server's gRPC address.")
@click.option(
    "--promise",
    required=True,
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    help="Share that is promised to be right, such as 0.98.",
)
@click.option(
    "--audit-rate",
    default=0.02,
    show_default=True,
    type=FiniteRange(0, 1),
    help="Share of automatic decisions that people look at later.",
)
@click.option("--inbox", default="", help="Folder of labelled manifests; adds the training step.")
@click.option("--taxonomy", default="", help="Category tree of the training.")
@click.option("--output", "runs", default="", help="Folder of the training's runs.")
@click.option(
    "--min-new",
    default=500,
    show_default=True,
    type=click.IntRange(min=1),
    help="New labels that start a training.",
)
@click.option("--page", default="", metavar="FILE", help="Page that shows the days.")
@click.option("--metrics", default="", metavar="FILE", help="Metrics for Prometheus.")
@click.option(
    "--reference-from",
    type=click.DateTime(["%Y-%m-%d"]),
    help="First day of a new reference of drift.",
)
@click.option(
    "--keep-days",
    default=0,
    type=click.IntRange(0, MOST_DAYS),
    help="Adds the step that forgets decisions of this age.",
)
@click.option("--volume", "volumes", multiple=True, metavar="CLAIM=FOLDER", help="Repeatable.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="VARIABLE=SECRET:KEY",
    help="Environment variable from a Kubernetes secret. Repeatable.",
)
@click.option("--to", "spec", required=True, help="YAML file to write.")
def compile_daily_spec(
    image: str,
    data: str,
    rules: str,
    database: str,
    address: str,
    promise: float,
    audit_rate: float,
    inbox: str,
    taxonomy: str,
    runs: str,
    min_new: int,
    page: str,
    metrics: str,
    reference_from: datetime | None,
    keep_days: int,
    volumes: tuple[str, ...],
    secrets: tuple[str, ...],
    spec: str,
) -> None:
    """Write the daily batch as a pipeline for Kubeflow Pipelines.

    Its steps decide about the products (`batch`), watch promise and drift (`monitor --back-off`),
    with --inbox train again when there is a reason to (`retrain`), and with --keep-days forget old
    decisions (`database prune`). None is cached. The places and numbers are parameters of each run.

    \b
    Examples:
      shelfsort compile-daily --image registry.example/shelfsort@sha256:... \\
          --data "/data/new/*.manifest" --rules /data/rules.yaml --address shelfsort-pods:8500 \\
          --database postgresql://shop@db/decisions --secret PGPASSWORD=decisions-db:password \\
          --promise 0.98 --inbox /data/labels --output /data/out \\
          --volume shelfsort-data=/data --to daily.yaml
      shelfsort submit daily.yaml --host https://KFP --experiment daily --schedule "0 0 5 * * *"
    """
    from pipeline.kubeflow.daily import Daily, compile_daily

    if not spec.endswith((".yaml", ".yml")):
        raise InputError(f"--to: {spec!r} is not a YAML file. Give a name that ends in .yaml.")
    check_image("--image", image)
    daily = Daily(
        image=image,
        data=data,
        rules=rules,
        database=database,
        address=address,
        promise=promise,
        audit_rate=audit_rate,
        inbox=inbox,
        taxonomy=taxonomy,
        output=runs,
        min_new=min_new,
        page=page,
        metrics=metrics,
        reference_from=f"{reference_from:%Y-%m-%d}" if reference_from else "",
        keep_days=keep_days,
        volumes=_volumes(volumes),
        secrets=_secrets(secrets),
    )
    write_text(spec, compile_daily(daily))
    click.echo(f"{spec}: the daily batch for Kubeflow")


def _volumes(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in given:
        claim, _, folder = text.partition("=")
        if not claim or not folder.startswith("/"):
            raise InputError(f"--volume {text}: not of the form CLAIM=/FOLDER.")
        found[claim] = folder
    return found


def _secrets(given: Sequence[str]) -> dict[str, tuple[str, str]]:
    found = {}
    for text in given:
        variable, _, place = text.partition("=")
        secret, _, key = place.partition(":")
        if not (_VARIABLE.fullmatch(variable) and _KEY.fullmatch(secret) and _KEY.fullmatch(key)):
            # Not repeated: somebody may have given the secret itself.
            raise InputError(
                "--secret: not of the form VARIABLE=SECRET:KEY. Name a Kubernetes secret and one "
                "of its keys."
            )
        found[variable] = (secret, key)
    return found
