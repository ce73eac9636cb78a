"""`shelfsort catalog delete`: forgets what a source gave."""

import click

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.importing.deleting import Belongings, belongings, delete_source, is_known
from shelfsort.catalog.settings import load_settings
from shelfsort.cli.catalog.options import json_option, settings_argument
from shelfsort.core.database.engine import reading_errors, shown
from shelfsort.core.errors import InputError
from shelfsort.core.terminal import json_text, one_line


@click.command(short_help="Delete what a source gave, and the images that no other source uses.")
@settings_argument
@click.option("--source", "name", required=True, metavar="NAME", help="Whose rows to delete.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def delete(settings: str, name: str, yes: bool, as_json: bool) -> None:
    """Delete the products of a source with their history, and its passes and quarantine.

    Links and images that no product of another source uses go, too, and with them the files in the
    store. The source may be one that the settings no longer have. Stopped half-way, the same
    command goes on.

    \b
    Examples:
      shelfsort catalog delete catalog.yaml --source warehouse
      shelfsort catalog delete catalog.yaml --source warehouse --yes
    """
    read = load_settings(settings)
    engine = open_database(read.database, must_exist=True)
    if not is_known(engine, name):
        raise InputError(
            f"{shown(read.database)}: no source {name!r}. Run: shelfsort catalog query {settings}"
        )
    if not yes:
        click.confirm(f"Delete {_counted(belongings(engine, name))}?", abort=True, err=True)
    with reading_errors(read.database):
        deleted = delete_source(engine, name, read.images)
    if as_json:
        click.echo(json_text({"source": name, **vars(deleted)}))
    else:
        click.echo(f"{one_line(name)}: deleted {_counted(deleted)}")


def _counted(each: Belongings) -> str:
    return f"{each.products:,} products, {each.links:,} links and {each.images:,} images"
