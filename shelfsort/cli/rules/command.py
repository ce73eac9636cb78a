"""The group `shelfsort rules`."""

import json
from datetime import datetime, timezone
from typing import Any

import click

from shelfsort.cli.databases import closed_at_end, database_option
from shelfsort.core.database.engine import shown
from shelfsort.core.errors import InputError
from shelfsort.core.terminal import json_text, one_line
from shelfsort.decisions.rules.analysis import analyse
from shelfsort.decisions.rules.examples import examples
from shelfsort.decisions.rules.reading import RulesFile, load_rules

_FAILED = 1
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def rules() -> None:
    """Turn answers into business decisions: check and try the rules.

    \b
    Examples:
      shelfsort rules check rules.yaml
      shelfsort rules test rules.yaml examples.csv
      shelfsort rules replay new-rules.yaml --database decisions.db --since 2026-11-01
      shelfsort rules schema > rules.schema.json
    """


@rules.command()
@click.argument("file")
@_json
def check(file: str, as_json: bool) -> None:
    """Find gaps, overlaps and rules that never decide.

    The check is complete: it looks at every category, acceptance level, score and field at once. It
    ends with status 1 where decisions are missing or a rule has no effect.

    \b
    Examples:
      shelfsort rules check rules.yaml
      shelfsort rules check rules.yaml --json
    """
    read = load_rules(file)
    found = analyse(read)
    if as_json:
        _print({"digest": read.digest, "findings": [vars(each) for each in found]})
    else:
        for each in found:
            kind = "error" if each.is_error else "note"
            click.echo(one_line(f"{file}:{each.line}: {kind}: {each.text} [{each.kind}]"))
        errors = sum(each.is_error for each in found)
        click.echo(
            f"Rules: {len(read.rules):,}, errors: {errors:,}, notes: {len(found) - errors:,}. "
            f"Version {read.digest}."
        )
    if any(each.is_error for each in found):
        raise click.exceptions.Exit(_FAILED)


@rules.command(name="test")
@click.argument("file")
@click.argument("table")
@_json
def try_examples(file: str, table: str, as_json: bool) -> None:
    """Try the rules on a table of examples; ends with status 1 if one is decided otherwise.

    The table has the columns category, accepted, score, outcome and the fields of the rules.

    \b
    Examples:
      shelfsort rules test rules.yaml examples.csv
    """
    read = load_rules(file)
    tried = list(examples(table, read))
    if not tried:
        raise InputError(f"{table}: there are no examples. Add a row.")
    failed = [each for each in tried if not each.holds]
    if as_json:
        rows = [
            {
                "place": each.place,
                "expected": each.outcome,
                "outcome": each.then.outcome if each.then else None,
                "rule": each.then.rule if each.then else None,
                "problem": each.problem,
            }
            for each in tried
        ]
        _print({"digest": read.digest, "examples": rows, "failed": len(failed)})
    else:
        for each in failed:
            said = f"{each.then.outcome!r} by {each.then.rule!r}" if each.then else each.problem
            click.echo(one_line(f"{each.place}: expected {each.outcome!r}, got {said}"))
        click.echo(f"{len(tried) - len(failed):,} of {len(tried):,} examples are as expected.")
    if failed:
        raise click.exceptions.Exit(_FAILED)


@rules.command(name="replay")
@click.argument("file")
@database_option
@click.option(
    "--since",
    required=True,
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Decisions from this moment on, in UTC.",
)
@_json
def replay_decisions(file: str, database: str, since: datetime, as_json: bool) -> None:
    """Show which decisions other rules would have changed. Nothing is written.

    \b
    Examples:
      shelfsort rules replay new-rules.yaml --database decisions.db --since 2026-11-01
    """
    from shelfsort.decisions.database.opening import open_database
    from shelfsort.decisions.rules.replay import replay

    read = load_rules(file)
    engine = closed_at_end(open_database(database, must_exist=True))
    found = replay(engine, read, since.replace(tzinfo=timezone.utc))
    if not found.decisions:
        raise InputError(f"{shown(database)}: no decisions since {since:%Y-%m-%d %H:%M} UTC.")
    moves = sorted(found.moves.items())
    if as_json:
        _print(
            {
                "decisions": found.decisions,
                "changed": found.changed,
                "moves": [{"before": b, "after": a, "count": n} for (b, a), n in moves],
                "examples": [vars(each) for each in found.examples],
            }
        )
        return
    click.echo(f"{found.changed:,} of {found.decisions:,} decisions would be others.")
    for (before, after), n in moves:
        if before != after:
            click.echo(one_line(f"  {n:,} {before} -> {after}"))
    for each in found.examples:
        said = f"  {each.product}: {each.before} -> {each.after} ({each.rule})"
        click.echo(one_line(said))


@rules.command()
def schema() -> None:
    """Print the JSON Schema of a file of rules, for editors."""
    click.echo(json.dumps(RulesFile.model_json_schema(mode="validation"), indent=2))


def _print(content: Any) -> None:
    click.echo(json_text(content))
