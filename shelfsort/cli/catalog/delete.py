"""`shelfsort catalog delete`: forgets what a source gave, or the pictures of what is gone."""

from datetime import datetime, timedelta, timezone
from functools import partial

import click

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.importing.deleting import (
    Belongings,
    belongings,
    belongings_of_gone,
    delete_pictures_of_gone,
    delete_source,
    is_known,
)
from shelfsort.catalog.settings import load_settings
from shelfsort.cli.catalog.options import json_option, settings_argument
from shelfsort.cli.databases import closed_at_end
from shelfsort.cli.numbers import MOST_DAYS
from shelfsort.core.database.engine import reading_errors, shown
from shelfsort.core.errors import InputError
from shelfsort.core.terminal import json_text, one_line


@click.command(short_help="Delete what a source gave, or the pictures of vanished products.")
@settings_argument
@click.option("--source", "name", metavar="NAME", help="Whose rows to delete.")
@click.option(
    "--gone-days",
    "days",
    type=click.IntRange(0, MOST_DAYS),
    metavar="DAYS",
    help="Delete the pictures of products that have been gone for so long.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def delete(settings: str, name: str | None, days: int | None, yes: bool, as_json: bool) -> None:
    """Delete the products of a source with their history, and its passes and quarantine.

    Links and images that no product of another source uses go, too, and with them the files in the
    store. The source may be one that the settings no longer have. Stopped half-way, the same
    command goes on.

    --gone-days deletes pictures only: of products that their sources no longer have, and of links
    that lead to another picture now. The products stay; one that returns gets its links again. Run
    it each night to keep pictures no longer than you may.

    \b
    Examples:
      shelfsort catalog delete catalog.yaml --source warehouse
      shelfsort catalog delete catalog.yaml --source warehouse --yes
      shelfsort catalog delete catalog.yaml --gone-days 90 --yes
    """
    if (name is None) == (days is None):
        raise InputError("--source NAME or --gone-days DAYS is needed. Give one of them.")
    read = load_settings(settings)
    engine = closed_at_end(open_database(read.database, must_exist=True))
    with reading_errors(read.database):
        if name is not None:
            if not is_known(engine, name):
                raise InputError(
                    f"{shown(read.database)}: no source {name!r}. Run: shelfsort catalog query "
                    f"{settings}"
                )
            found, about = partial(belongings, engine, name), {"source": name}
            deleting, products = partial(delete_source, engine, name, read.images), "products"
        else:
            before = datetime.now(timezone.utc) - timedelta(days=days or 0)
            found, about = partial(belongings_of_gone, engine, before), {}
            deleting = partial(delete_pictures_of_gone, engine, read.images, before)
            products = "products' pictures"
        if not yes:
            click.confirm(f"Delete {_counted(found(), products)}?", abort=True, err=True)
        deleted = deleting()
    if as_json:
        click.echo(json_text({**about, **vars(deleted)}))
    else:
        whose = f"{one_line(name)}: " if name is not None else ""
        click.echo(f"{whose}deleted {_counted(deleted, products)}")


def _counted(each: Belongings, products: str) -> str:
    return f"{each.products:,} {products}, {each.links:,} links and {each.images:,} images"
