"""`shelfsort catalog categories`: the category tree of a source as a taxonomy file."""

from dataclasses import replace

import click

from shelfsort.catalog.settings import load_settings
from shelfsort.catalog.sources.api import ApiSettings
from shelfsort.cli.catalog.options import json_option, settings_argument
from shelfsort.cli.catalog.outputs import refuse_own_files
from shelfsort.cli.taxonomy.tree import write_tree
from shelfsort.core.errors import InputError


@click.command(short_help="Write the category tree of an API as a taxonomy file.")
@settings_argument
@click.option("--source", required=True, metavar="NAME", help="Source of type api.")
@click.option("--output", required=True, help="JSON file to write.")
@json_option
def categories(settings: str, source: str, output: str, as_json: bool) -> None:
    """Write the category tree that an API gives as a taxonomy file.

    The source names the address of the tree in `categories`. `shelfsort taxonomy` checks, searches
    and compares the file.

    \b
    Examples:
      shelfsort catalog categories catalog.yaml --source shop --output tree.json
      shelfsort taxonomy check tree.json
    """
    read = load_settings(settings)
    # This command replaces the tree.
    refuse_own_files(replace(read, taxonomy=""), output, read.crosswalk)
    known = [name for name, each in read.sources.items() if isinstance(each, ApiSettings)]
    found = read.sources.get(source)
    if not isinstance(found, ApiSettings):
        named = f"Name one of: {', '.join(known)}." if known else "Add one."
        raise InputError(f"{settings}: no source {source!r} of type api. {named}")
    write_tree(found.tree(), output, as_json)
