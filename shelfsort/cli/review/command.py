"""The group `shelfsort review`."""

import click

from shelfsort.cli.databases import closed_at_end, database_option
from shelfsort.cli.review.answers import export_answers, put_back
from shelfsort.cli.review.serve import serve
from shelfsort.core.errors import InputError
from shelfsort.core.files import refuse_inputs
from shelfsort.core.storage import absolute
from shelfsort.core.terminal import json_text
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.review.asking import Kind, waiting
from shelfsort.decisions.review.recording import record
from shelfsort.decisions.rules.reading import load_rules
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.manifest.writing import write_manifest
from shelfsort.products.tables.rows import CATEGORY


@click.group()
def review() -> None:
    """Give people the decisions that are left to them, and audits; record what they say.

    \b
    Examples:
      shelfsort review serve --database decisions.db --rules rules.yaml --person Ann --lead Bob
      shelfsort review appeal --database decisions.db --product 4711 --by Shop --words "It is mine."
      shelfsort review ask --database decisions.db --output ask.manifest
      shelfsort label --data ask.manifest --taxonomy tree.json --answers answers.jsonl
      shelfsort labels import answers.jsonl --products ask.manifest --output said.manifest
      shelfsort review record said.manifest --database decisions.db --rules rules.yaml
    """


review.add_command(serve)
review.add_command(put_back)
review.add_command(export_answers)


@review.command()
@database_option
@click.option("--output", required=True, help="Manifest for the labelling page.")
@click.option(
    "--kind",
    type=click.Choice(["review", "audit"]),
    default="review",
    show_default=True,
    help="What is left to people, or the sample of what is not.",
)
@click.option(
    "--most", type=click.IntRange(1, 1_000_000), default=1_000, show_default=True, help="Products."
)
def ask(database: str, output: str, kind: Kind, most: int) -> None:
    """Write the decisions that nobody has looked at as a manifest, the oldest first.

    People see the product, not what the model said.

    \b
    Examples:
      shelfsort review ask --database decisions.db --output ask.manifest
      shelfsort review ask --database decisions.db --kind audit --output audits.manifest
    """
    refuse_inputs(output, database)
    lines = list(waiting(closed_at_end(open_database(database, must_exist=True)), kind, most))
    if not lines:
        raise InputError(f"{database}: nothing waits ({kind}). Nothing was written.")
    click.echo(f"{write_manifest(output, lines):,} products in {output}")


@review.command(name="record")
@click.argument("manifest")
@database_option
@click.option("--rules", required=True, help="File of rules that turns a category into an outcome.")
@click.option("--attribute", default=CATEGORY, show_default=True, help="That holds the labels.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def record_answers(manifest: str, database: str, rules: str, attribute: str, as_json: bool) -> None:
    """Store what people said about decisions. Each answer is stored once.

    The outcome is what the rules make of a category that is certain. The view latest_decision shows
    it from now on.

    \b
    Examples:
      shelfsort review record said.manifest --database decisions.db --rules rules.yaml
    """
    engine = closed_at_end(open_database(database, must_exist=True))
    files = find_manifest_files(absolute(manifest))
    found = record(engine, files, attribute, load_rules(rules))
    if as_json:
        click.echo(json_text(vars(found)))
        return
    if not found.new and not found.known:
        why = ", ".join(f"{n:,} {reason}" for reason, n in found.left_out.most_common())
        raise InputError(
            f"{manifest}: no answer about a decision ({why or 'no line'}). Give the manifest of "
            "`review ask` with labels, and their name with --attribute."
        )
    click.echo(f"{found.new:,} answers stored, {found.known:,} were known")
    for name, n in found.outcomes.most_common():
        click.echo(f"  {n:,} {name}")
    for reason, n in found.left_out.most_common():
        click.echo(f"  {n:,} left out: {reason}")
