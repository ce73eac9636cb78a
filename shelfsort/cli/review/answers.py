"""`shelfsort review appeal` and `shelfsort review export`."""

from datetime import datetime, timezone
from pathlib import Path

import click

from shelfsort.cli.databases import closed_at_end, database_option
from shelfsort.core.errors import InputError
from shelfsort.core.files import refuse_inputs
from shelfsort.core.terminal import one_line
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.review.appeals import appeal
from shelfsort.decisions.review.exporting import export
from shelfsort.decisions.rules.reading import load_rules
from shelfsort.labeling.web.choices import Choices


@click.command("appeal")
@database_option
@click.option("--product", required=True, help="Id of the product.")
@click.option("--words", default="", help="What the customer says.")
@click.option("--by", required=True, help="Who passes the appeal on, for the audit log.")
def put_back(database: str, product: str, words: str, by: str) -> None:
    """Put a decision back, because a customer objects. Somebody who has not seen it looks next.

    The decision stands until then.

    \b
    Examples:
      shelfsort review appeal --database decisions.db --product 4711 --by Shop --words "It is mine."
    """
    if not by.strip():
        raise InputError("--by: blank. Name who passes the appeal on.")
    engine = closed_at_end(open_database(database, must_exist=True))
    with engine.begin() as connection:
        appeal(connection, product, words, by, datetime.now(timezone.utc))
    click.echo(one_line(f"Waits for somebody who has not seen it: {product}"))


@click.command("export")
@database_option
@click.option("--rules", required=True, help="File of rules, whose tree names the categories.")
@click.option(
    "--answers",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of answers to write.",
)
@click.option("--products", required=True, help="Manifest of the products to write.")
def export_answers(database: str, rules: str, answers: Path, products: str) -> None:
    """Write what people answered for `labels import`, each person under a pseudonym.

    Products of the random sample, which nobody saw a model's answer to, calibrate and evaluate. All
    others only train; their lines say with which probability they were looked at.

    \b
    Examples:
      shelfsort review export --database decisions.db --rules rules.yaml \\
        --answers answers.jsonl --products reviewed.manifest
      shelfsort labels import answers.jsonl --products reviewed.manifest --output labelled.manifest
    """
    refuse_inputs(products, database, rules, str(answers), option="--products")
    refuse_inputs(str(answers), database, rules, option="--answers")
    choices = Choices(load_rules(rules).tree, rules)
    written = export(
        closed_at_end(open_database(database, must_exist=True)), choices, answers, products
    )
    click.echo(
        f"{written.answers:,} answers about {written.products:,} products, {written.sample:,} of "
        "them a random sample of all"
    )
