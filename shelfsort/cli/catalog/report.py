"""`shelfsort catalog report`: what the catalogue holds, as a page."""

from collections import Counter
from datetime import datetime, timezone

import click

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.output.advice import next_steps
from shelfsort.catalog.output.contact_sheet import contact_sheet, shared_pictures
from shelfsort.catalog.output.figures import catalogue_figures
from shelfsort.catalog.output.labels import settings_label
from shelfsort.catalog.output.pictures import Pictures
from shelfsort.catalog.output.report_page import Report, report_page
from shelfsort.catalog.settings import CatalogSettings, load_settings
from shelfsort.cli.catalog.options import settings_argument
from shelfsort.core.database.engine import reader, reading_errors
from shelfsort.core.files import write_bytes
from shelfsort.core.terminal import one_line

_ROWS = 16


@click.command(short_help="Write a page about what the catalogue holds.")
@settings_argument
@click.option("--output", required=True, metavar="FILE", help="HTML file to write.")
def report(settings: str, output: str) -> None:
    """Write a page with the sources and their last passes, the categories, the links that are dead,
    the sizes of the pictures, what is there twice, a contact sheet, and what to do next.

    \b
    Examples:
      shelfsort catalog report catalog.yaml --output catalogue.html
    """
    found = load_settings(settings)
    page = report_page(_taken(found))
    write_bytes(output, page)
    click.echo(f"Wrote {one_line(output)}")


def _taken(settings: CatalogSettings) -> Report:
    label = settings_label(settings)
    pictures = Pictures(settings.images)
    with reading_errors(settings.database):
        engine = open_database(settings.database, must_exist=True)
        with reader(engine) as connection:
            figures = catalogue_figures(connection, datetime.now(timezone.utc), label)
            names = [name for name, _ in figures.classes.most_common(_ROWS)]
            shared = Counter({each.digest: each.products for each in figures.duplicates.most})
            return Report(
                settings.file,
                figures,
                next_steps(figures, settings.file),
                contact_sheet(connection, pictures, names, label),
                shared_pictures(connection, pictures, shared),
            )
