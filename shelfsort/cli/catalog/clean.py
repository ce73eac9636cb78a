"""`shelfsort catalog clean`: what the rules do to the texts of products."""

import dataclasses
from collections.abc import Iterator

import click

from shelfsort.catalog.cleaning.cleaner import TEXT_RULES
from shelfsort.catalog.cleaning.survey import Survey, survey
from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.settings import load_settings
from shelfsort.cli.catalog.options import json_option, settings_argument
from shelfsort.cli.databases import closed_at_end
from shelfsort.cli.tables import Column, table_lines, terminal_width
from shelfsort.core.database.engine import reader
from shelfsort.core.terminal import json_text, one_line


@click.command(short_help="Show what the rules for cleaning do.")
@settings_argument
@click.option("--languages", is_flag=True, help="Find out languages, too: about 3 ms a product.")
@json_option
def clean(settings: str, languages: bool, as_json: bool) -> None:
    """Show what the rules for cleaning do to the products, with examples.

    Nothing is changed: the crawl database keeps what sources said. `catalog manifest` and `catalog
    export` apply the rules. The settings turn them on and off, under `cleaning`.

    \b
    Examples:
      shelfsort catalog clean catalog.yaml
      shelfsort catalog clean catalog.yaml --languages --json
    """
    read = load_settings(settings)
    engine = closed_at_end(open_database(read.database, must_exist=True))
    with reader(engine) as connection:
        found = survey(connection, read.cleaning, languages)
    if as_json:
        click.echo(json_text(dataclasses.asdict(found)))
    else:
        click.echo("\n".join(_lines(found)))


def _lines(found: Survey) -> Iterator[str]:
    rows = [(TEXT_RULES[rule], f"{count:,}") for rule, count in found.changed.items()]
    rows.append(("with an e-mail address or a telephone number", f"{found.personal_data:,}"))
    rows.append(("not the first of its post", f"{found.later_of_posts:,}"))
    columns = (Column(f"of {found.products:,} products", wraps=True), Column("", number=True))
    yield from table_lines(columns, rows, terminal_width())
    for rule, examples in found.examples.items():
        for each in examples:
            yield ""
            yield f"{rule} before: {one_line(each.before)}"
            yield f"{rule} after:  {one_line(each.after)}"
    if found.languages:
        yield ""
        spoken = [(code or "unknown", f"{count:,}") for code, count in found.languages.items()]
        columns = (Column("language"), Column("products", number=True))
        yield from table_lines(columns, spoken, terminal_width())
