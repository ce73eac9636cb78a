"""`shelfsort labels job`: a labelling job from its settings to its answers."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import click

from shelfsort.cli.labels.options import GROUND_TRUTH, LABEL_STUDIO
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.terminal import one_line
from shelfsort.labeling.jobs import ground_truth_job, label_studio_job
from shelfsort.labeling.jobs.cost import Estimate
from shelfsort.labeling.jobs.ground_truth_request import (
    job_folder,
    labeling_job_request,
    refuse_invalid,
)
from shelfsort.labeling.jobs.input_checks import (
    checked_config,
    checked_template,
    ground_truth_lines,
    label_studio_lines,
)
from shelfsort.labeling.jobs.settings import (
    PUBLIC,
    GroundTruthSettings,
    JobSettings,
    LabelStudioSettings,
    load_job,
)
from shelfsort.labeling.jobs.tasks import label_studio_tasks


@click.command(short_help="Check, cost, submit and follow a labelling job.")
@click.argument("file", metavar="JOB.yaml")
@click.option(
    "--to",
    "target",
    type=click.Choice([GROUND_TRUTH, LABEL_STUDIO]),
    help="Where, if the file names both.",
)
@click.option("--submit", is_flag=True, help="Submit it. Default: only check and cost it.")
@click.option("--yes", is_flag=True, help="Submit without asking about the cost.")
@click.option("--follow", is_flag=True, help="Report its progress; Ground Truth's until it ends.")
@click.option(
    "--answers", default="", metavar="FOLDER", help="Folder for the answers from Label Studio."
)
def job(file: str, target: str | None, submit: bool, yes: bool, follow: bool, answers: str) -> None:
    """Check a labelling job and say what it costs, before it is sent.

    JOB.yaml has name, manifest, workers, price (of one answer) and fee (of the service for each
    product), and a section ground_truth or label_studio. docs/labels.md shows one. The request is
    checked against botocore's own description of Ground Truth. Jobs never share a folder or a
    title, so none writes over another.

    Credentials for Ground Truth are boto3's. For Label Studio set LABEL_STUDIO_TOKEN.

    \b
    Examples:
      shelfsort labels job job.yaml
      shelfsort labels job job.yaml --submit --follow
      shelfsort labels job job.yaml --to label-studio --answers answers
    """
    settings = load_job(file)
    target = _target(file, settings, target)
    if target == GROUND_TRUTH:
        if answers:
            raise InputError("--answers: Ground Truth leaves its answers in S3. Leave it out.")
        assert settings.ground_truth is not None
        _ground_truth(settings, settings.ground_truth, submit, yes, follow)
    else:
        assert settings.label_studio is not None
        _label_studio(settings, settings.label_studio, submit, yes, follow, answers)


def _target(file: str, settings: JobSettings, target: str | None) -> str:
    there = [
        name
        for name, section in (
            (GROUND_TRUTH, settings.ground_truth),
            (LABEL_STUDIO, settings.label_studio),
        )
        if section is not None
    ]
    if target is None and len(there) > 1:
        raise InputError(f"{file}: names both services. Choose one with --to.")
    if target is not None and target not in there:
        raise InputError(f"{file}: has no section {target.replace('-', '_')}. Add it.")
    return target or there[0]


def _ground_truth(
    settings: JobSettings, place: GroundTruthSettings, submit: bool, yes: bool, follow: bool
) -> None:
    client = None
    if submit or not follow:
        request = labeling_job_request(settings, place)
        refuse_invalid(request)
        checked_template(place.template)
        public = place.workforce == PUBLIC
        products = ground_truth_lines(settings.manifest, settings.attribute, public)
        _say_cost(settings, products)
        if submit:
            _confirm(settings, products, yes)
            client = ground_truth_job.sagemaker_client(place.region)
            folder = job_folder(settings, place)
            arn = ground_truth_job.submit(
                client, request, folder, settings.manifest, place.template
            )
            click.echo(f"Submitted: {arn}")
    if follow:
        client = client or ground_truth_job.sagemaker_client(place.region)
        _follow_ground_truth(client, settings)


def _follow_ground_truth(client: Any, settings: JobSettings) -> None:
    now = None
    for now in ground_truth_job.follow(client, settings.name):
        click.echo(
            f"{now.status}: {now.labelled:,} labelled, {now.unlabelled:,} waiting, "
            f"{now.failed:,} failed"
        )
    if now is None or now.status != "Completed":
        raise RunFailed(f"{settings.name}: {now.reason or now.status if now else 'no state'}")
    click.echo(f"Output: {one_line(now.output)}")


def _label_studio(
    settings: JobSettings,
    place: LabelStudioSettings,
    submit: bool,
    yes: bool,
    follow: bool,
    answers: str,
) -> None:
    projects: dict[str, int] = {}
    studio = label_studio_job.server(place.url) if submit or follow or answers else None
    if submit or studio is None:
        config = checked_config(place.config, place.fields)
        lines = label_studio_lines(settings.manifest, settings.attribute, place.fields)
        _say_cost(settings, len(lines))
        if studio is None:
            return
        _confirm(settings, len(lines), yes)
        tasks = label_studio_tasks(lines, place.fields)
        projects = label_studio_job.create_projects(studio, settings, config, tasks)
        for title, project in projects.items():
            click.echo(f"{one_line(title)}: {place.url.rstrip('/')}/projects/{project}")
    projects = projects or label_studio_job.existing_projects(studio, settings)
    if follow:
        for title, tasks_in, done in label_studio_job.counts(studio, projects):
            click.echo(f"{one_line(title)}: {done:,} of {tasks_in:,} products answered")
    if answers:
        click.echo("\n".join(label_studio_job.save_answers(studio, projects, answers)))


def _say_cost(settings: JobSettings, products: int) -> None:
    for line in _cost_lines(_estimate(settings, products)):
        click.echo(line)


def _cost_lines(cost: Estimate) -> Iterator[str]:
    workers = "1 worker" if cost.workers == 1 else f"{cost.workers:,} workers"
    yield (
        f"answers: {cost.products:,} products x {workers} x {_dollars(cost.price)} = "
        f"{_dollars(cost.answers)}"
    )
    yield f"fee: {cost.products:,} products x {_dollars(cost.fee)} = {_dollars(cost.fees)}"
    yield f"total: {_dollars(cost.total)}"


def _confirm(settings: JobSettings, products: int, yes: bool) -> None:
    total = _estimate(settings, products).total
    if total and not yes:
        click.confirm(f"Submit {settings.name} for {_dollars(total)}?", abort=True)


def _estimate(settings: JobSettings, products: int) -> Estimate:
    return Estimate(products, settings.workers, settings.price, settings.fee)


def _dollars(amount: Decimal) -> str:
    """With two decimals, and as many more as the amount has."""
    text = f"{amount.normalize():,f}"
    whole, _, decimals = text.partition(".")
    return f"${whole}.{decimals:0<2}"
