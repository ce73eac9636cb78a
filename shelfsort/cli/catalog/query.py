"""`shelfsort catalog query`: what the crawl database holds."""

import dataclasses
from collections.abc import Iterator

import click

from shelfsort.catalog.database.counts import Counts, SourceCounts, counts
from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.settings import load_settings
from shelfsort.cli.catalog.options import json_option, settings_argument
from shelfsort.cli.tables import Column, table_lines, terminal_width
from shelfsort.core.database.engine import reader
from shelfsort.core.terminal import json_text


@click.command(short_help="Show what the crawl database holds.")
@settings_argument
@json_option
def query(settings: str, as_json: bool) -> None:
    """Show how many products, links and images the crawl database holds.

    \b
    Examples:
      shelfsort catalog query catalog.yaml
      shelfsort catalog query catalog.yaml --json
    """
    engine = open_database(load_settings(settings).database, must_exist=True)
    with reader(engine) as connection:
        found = counts(connection)
    if as_json:
        click.echo(json_text(_record(found)))
    else:
        click.echo("\n".join(_lines(found)))


def _record(found: Counts) -> dict[str, object]:
    record = dataclasses.asdict(found)
    for each in record["sources"]:
        each["last"] = each["last"] and each["last"].isoformat()
    return record


def _lines(found: Counts) -> Iterator[str]:
    width = terminal_width()
    yield from table_lines(
        (
            Column("source"),
            Column("type"),
            Column("products", number=True),
            Column("gone", number=True),
            Column("last pass"),
        ),
        [_source_cells(each) for each in found.sources],
        width,
    )
    yield ""
    yield f"{found.images:,} images, {found.usable:,} of them usable"
    if not found.links:
        return
    yield ""
    states = [(state or "not tried", f"{number:,}") for state, number in found.links.items()]
    yield from table_lines((Column("links"), Column("number", number=True)), states, width)
    yield ""
    hosts = [(host, f"{all_:,}", f"{good:,}") for host, (all_, good) in found.hosts.items()]
    columns = (Column("host"), Column("links", number=True), Column("good", number=True))
    yield from table_lines(columns, hosts, width)


def _source_cells(each: SourceCounts) -> tuple[str, ...]:
    last = f"{each.last:%Y-%m-%d %H:%M} UTC, {each.outcome}" if each.last else "none"
    return each.name, each.type, f"{each.products:,}", f"{each.gone:,}", last
