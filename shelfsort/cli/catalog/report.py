"""`shelfsort catalog report`: what the catalogue holds, as a page."""

import click

from shelfsort.catalog.output.report import take_report
from shelfsort.catalog.output.report_page import report_page
from shelfsort.catalog.settings import load_settings
from shelfsort.cli.catalog.options import settings_argument
from shelfsort.cli.catalog.outputs import refuse_own_files
from shelfsort.core.files import write_bytes
from shelfsort.core.terminal import one_line


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
    read = load_settings(settings)
    refuse_own_files(read, output, read.crosswalk)
    write_bytes(output, report_page(take_report(read)))
    click.echo(f"Wrote {one_line(output)}")
