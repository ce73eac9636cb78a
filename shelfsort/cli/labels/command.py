"""The group `shelfsort labels`."""

import click

from shelfsort.cli.labels.consolidate import consolidate
from shelfsort.cli.labels.evaluate import evaluate
from shelfsort.cli.labels.import_answers import import_answers


@click.group()
def labels() -> None:
    """Turn the answers of several workers into labels, and evaluate them.

    \b
    Examples:
      shelfsort labels import label-studio.json --output labelled.manifest
      shelfsort labels consolidate labelled.manifest --output consolidated.manifest
      shelfsort labels evaluate labelled.manifest --price 0.048
    """


for command in (import_answers, consolidate, evaluate):
    labels.add_command(command)
