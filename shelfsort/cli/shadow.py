"""The group `shelfsort shadow`."""

from pathlib import Path

import click

from shelfsort.cli.asking import asking, table_options, tls_of, tls_options
from shelfsort.cli.data_files import NOTHING, data_files, if_any_option
from shelfsort.cli.databases import closed_at_end, database_option
from shelfsort.cli.numbers import FiniteRange
from shelfsort.client import DEFAULT_MODEL, Connection
from shelfsort.core.database.engine import shown
from shelfsort.core.errors import InputError
from shelfsort.core.terminal import json_text, one_line
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.monitoring.content import comparison_json
from shelfsort.decisions.rules.reading import load_rules
from shelfsort.decisions.shadow.comparing import Comparison, Difference, comparisons
from shelfsort.decisions.shadow.deciding import (
    Candidate,
    Decided,
    decide_beside,
    decide_from_stored,
)
from shelfsort.products.images.source import ImageSources
from shelfsort.products.tables.columns import parse_columns
from shelfsort.products.tables.rows import Reading


@click.group()
def shadow() -> None:
    """Let a candidate decide beside the live model, without effect, and compare the two.

    \b
    Examples:
      shelfsort shadow run --data reviews.csv --rules rules.yaml --database decisions.db \\
        --model-folder out-new/serving --days 14
      shelfsort shadow run --rules new-rules.yaml --database decisions.db
      shelfsort shadow compare --database decisions.db
    """


@shadow.command(name="run")
@click.option("--data", help="Products, as `shelfsort batch` got them. Needed with a model.")
@click.option("--rules", required=True, help="The candidate's file of rules.")
@database_option
@click.option("--address", metavar="HOST:PORT", help="gRPC address of the candidate's server.")
@click.option(
    "--model-folder", type=click.Path(path_type=Path), help="Folder of the candidate's model."
)
@click.option("--model-name", default=DEFAULT_MODEL, show_default=True, help="Name on the server.")
@click.option("--version", type=click.IntRange(min=1), help="Model version. Default: the newest.")
@click.option("--candidate", default="", help="Name to compare it by. Default: model and rules.")
@click.option(
    "--days",
    default=14,
    show_default=True,
    type=click.IntRange(1, 3_660),
    help="The candidate decides for so many days.",
)
@table_options
@click.option(
    "--timeout",
    type=FiniteRange(min=0.001),
    default=30.0,
    show_default=True,
    help="Seconds to wait for an answer, including retries.",
)
@tls_options
@if_any_option
def run_candidate(
    data: str | None,
    rules: str,
    database: str,
    address: str | None,
    model_folder: Path | None,
    model_name: str,
    version: int | None,
    candidate: str,
    days: int,
    columns: tuple[str, ...],
    encoding: str,
    sheet: str,
    allow_http: bool,
    image_roots: tuple[str, ...],
    timeout: float,
    tls: bool,
    tls_ca: Path | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    if_any: bool,
) -> None:
    """Let a candidate decide about products that the live model has decided about.

    Call it after each `shelfsort batch`, with the same data. Without a model the candidate's rules
    decide from the live model's stored answers. Nothing else reads these decisions.

    \b
    Examples:
      shelfsort shadow run --data reviews.csv --rules rules.yaml --database decisions.db \\
        --address candidate.shop:8500
      shelfsort shadow run --rules new-rules.yaml --database decisions.db --days 30
    """
    read = load_rules(rules)
    engine = closed_at_end(open_database(database, must_exist=True))
    if address is None and model_folder is None:
        if data is not None:
            raise InputError("--data: without a candidate's model nothing is read. Leave it out.")
        found = decide_from_stored(engine, Candidate(read, name=candidate, days=days))
    elif data is None:
        raise InputError("--data: missing. Give the products that `shelfsort batch` got.")
    else:
        reading = Reading(parse_columns(*columns), encoding, sheet)
        files = data_files(data, reading, if_any)
        if not files:
            click.echo(NOTHING)
            return
        sources = ImageSources(image_roots, allow_http=allow_http)
        connection = Connection(timeout, tls=tls_of(tls, tls_ca, tls_certificate, tls_key))
        with asking(address, model_folder, model_name, version, connection) as (ask, _):
            who = Candidate(read, ask, candidate, days)
            found = decide_beside(engine, who, files, reading, sources)
    click.echo("\n".join(map(one_line, _as_lines(found, days))))


@shadow.command()
@database_option
@click.option("--candidate", help="Name of one. Default: all.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every category.")
def compare(database: str, candidate: str | None, as_json: bool) -> None:
    """Compare candidates with the live model, product by product.

    Where the data gives the true category, or people do, it says which of the two was right.

    \b
    Examples:
      shelfsort shadow compare --database decisions.db --json
    """
    found = comparisons(closed_at_end(open_database(database, must_exist=True)))
    if candidate is not None:
        found = [each for each in found if each.candidate == candidate]
    if not found:
        raise InputError(
            f"{shown(database)}: no candidate has decided. Run `shelfsort shadow run`."
        )
    if as_json:
        click.echo(json_text([comparison_json(each) for each in found]))
        return
    click.echo("\n".join(one_line(line) for each in found for line in _compared(each)))


def _as_lines(found: Decided, days: int) -> list[str]:
    if found.over:
        return [
            f"{found.candidate}: has decided for its {days} days. Compare it, or give more --days."
        ]
    lines = [f"{found.candidate or 'no candidate'}: {found.new:,} new decisions"]
    if found.unmatched:
        lines.append(f"  {found.unmatched:,} products have no live decision")
    if found.failures:
        lines.append(f"  {found.failures:,} products it cannot decide about")
    return lines


def _compared(found: Comparison) -> list[str]:
    lines = [
        f"{found.candidate}: {found.n:,} products from {found.first:%Y-%m-%d} to "
        f"{found.last:%Y-%m-%d}; {found.moved:,} get another category, {found.changed:,} another "
        "outcome",
        f"  needs no person: {_difference(found.automatic)}",
    ]
    lines += [f"  right ({kind}): {_difference(each)}" for kind, each in found.right.items()]
    changed = [(n, *pair) for pair, n in found.outcomes.items() if pair[0] != pair[1]]
    lines += [f"  {live} → {other}: {n:,}" for n, live, other in sorted(changed, reverse=True)]
    return lines


def _difference(each: Difference) -> str:
    low, high = each.interval
    gain = (each.candidate - each.live) / each.n if each.n else 0.0
    return (
        f"live {each.live:,}, candidate {each.candidate:,} of {each.n:,}: {100 * gain:+.1f} points "
        f"[{100 * low:+.1f}, {100 * high:+.1f}], p {each.p:.2g}"
    )
