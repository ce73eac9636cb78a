"""`shelfsort catalog query`: what the crawl database holds."""

import dataclasses
import json
from collections.abc import Iterator

import click

from shelfsort.catalog.database.asking import Answer, ask
from shelfsort.catalog.database.counts import Counts, SourceCounts, counts
from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.settings import load_settings
from shelfsort.cli.catalog.options import json_option, settings_argument
from shelfsort.cli.databases import closed_at_end
from shelfsort.cli.tables import Column, table_lines, terminal_width
from shelfsort.core.database.engine import reader, reading_errors
from shelfsort.core.terminal import json_text

_ROWS = 1_000
_CELL = 200
_HOSTS = 5


@click.command(short_help="Show what the crawl database holds.")
@settings_argument
@click.option("--sql", "statement", default="", metavar="SELECT", help="Show the rows of a query.")
@json_option
def query(settings: str, statement: str, as_json: bool) -> None:
    """Show how many products, links and images the crawl database holds.

    --sql shows the first 1,000 rows of a query instead, which cannot change anything. The table
    `about` explains all tables and columns; a SQLite file opens in the sqlite3 shell, too.

    \b
    Examples:
      shelfsort catalog query catalog.yaml
      shelfsort catalog query catalog.yaml --json
      shelfsort catalog query catalog.yaml --sql "select * from product limit 20"
      shelfsort catalog query catalog.yaml --sql "select reason, place, detail from quarantine"
    """
    place = load_settings(settings).database
    engine = closed_at_end(open_database(place, must_exist=True))
    if statement:
        answer = ask(engine, statement, _ROWS)
        if as_json:
            rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
            click.echo(json_text(json.loads(json.dumps(rows, default=str))))
        else:
            click.echo("\n".join(_table(answer)))
        if answer.more:
            click.echo(f"Only the first {_ROWS:,} rows are shown.", err=True)
        return
    with reading_errors(place), reader(engine) as connection:
        found = counts(connection)
    if as_json:
        click.echo(json_text(_record(found)))
    else:
        click.echo("\n".join(_lines(found)))


def _table(answer: Answer) -> list[str]:
    numbers = [
        all(isinstance(row[place], int | float | None) for row in answer.rows)
        for place in range(len(answer.columns))
    ]
    columns = [
        Column(name, number=number, wraps=not number)
        for name, number in zip(answer.columns, numbers, strict=True)
    ]
    rows = [["" if value is None else str(value)[:_CELL] for value in row] for row in answer.rows]
    return table_lines(columns, rows, terminal_width())


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
    shown = list(found.hosts.items())[:_HOSTS]
    hosts = [(host, f"{all_:,}", f"{good:,}") for host, (all_, good) in shown]
    columns = (Column("host"), Column("links", number=True), Column("good", number=True))
    yield from table_lines(columns, hosts, width)
    if found.all_hosts > len(shown):
        yield f"and {found.all_hosts - len(shown):,} other hosts"


def _source_cells(each: SourceCounts) -> tuple[str, ...]:
    last = f"{each.last:%Y-%m-%d %H:%M} UTC, {each.outcome}" if each.last else "none"
    return each.name, each.type, f"{each.products:,}", f"{each.gone:,}", last
