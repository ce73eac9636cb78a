"""The group `shelfsort catalog`."""

import click

from shelfsort.cli.catalog.import_rows import import_rows
from shelfsort.cli.catalog.query import query


@click.group()
def catalog() -> None:
    """Collect products and pictures from sources, clean them, and write a manifest.

    SETTINGS is a YAML file with the sources, the crawl database and the folder of the images.

    \b
    Examples:
      shelfsort catalog import catalog.yaml
      shelfsort catalog query catalog.yaml
    """


for command in (import_rows, query):
    catalog.add_command(command)
