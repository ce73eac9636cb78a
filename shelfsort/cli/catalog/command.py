"""The group `shelfsort catalog`."""

import click

from shelfsort.cli.catalog.categories import categories
from shelfsort.cli.catalog.clean import clean
from shelfsort.cli.catalog.crosswalk import crosswalk
from shelfsort.cli.catalog.delete import delete
from shelfsort.cli.catalog.duplicates import duplicates
from shelfsort.cli.catalog.export import export
from shelfsort.cli.catalog.fetch import fetch
from shelfsort.cli.catalog.import_rows import import_rows
from shelfsort.cli.catalog.manifest import manifest
from shelfsort.cli.catalog.query import query
from shelfsort.cli.catalog.report import report


@click.group()
def catalog() -> None:
    """Collect products and pictures from sources, clean them, and write a manifest.

    SETTINGS is a YAML file with the sources, the crawl database and the folder of the images.

    \b
    Examples:
      shelfsort catalog import catalog.yaml
      shelfsort catalog fetch catalog.yaml
      shelfsort catalog clean catalog.yaml
      shelfsort catalog crosswalk catalog.yaml --suggest --output crosswalk.csv
      shelfsort catalog duplicates catalog.yaml
      shelfsort catalog query catalog.yaml
      shelfsort catalog report catalog.yaml --output catalogue.html
      shelfsort catalog manifest catalog.yaml --labelled --output products.manifest
    """


for command in (
    import_rows,
    categories,
    fetch,
    clean,
    crosswalk,
    duplicates,
    query,
    report,
    manifest,
    export,
    delete,
):
    catalog.add_command(command)
