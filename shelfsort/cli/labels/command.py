"""The group `shelfsort labels`."""

import click

from shelfsort.cli.labels.asking import auto, next_products
from shelfsort.cli.labels.consolidate import consolidate
from shelfsort.cli.labels.evaluate import evaluate
from shelfsort.cli.labels.import_answers import import_answers
from shelfsort.cli.labels.job import job
from shelfsort.cli.labels.lambdas import lambdas
from shelfsort.cli.labels.manifest import manifest
from shelfsort.cli.labels.preview import preview
from shelfsort.cli.labels.template import template


@click.group()
def labels() -> None:
    """Ask people for labels, turn their answers into labels, and evaluate them.

    \b
    Examples:
      shelfsort labels manifest products.csv --output input.manifest
      shelfsort labels next catalogue.manifest --output ask.manifest
      shelfsort labels template tree.json --output template.html
      shelfsort labels job job.yaml --submit
      shelfsort labels import label-studio.json --output labelled.manifest
      shelfsort labels consolidate labelled.manifest --output consolidated.manifest
      shelfsort labels evaluate labelled.manifest --price 0.048
    """


for command in (
    next_products,
    manifest,
    template,
    preview,
    job,
    lambdas,
    import_answers,
    consolidate,
    auto,
    evaluate,
):
    labels.add_command(command)
