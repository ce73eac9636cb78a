"""`shelfsort predict`: asks a model about one product, or about a file of them."""

from pathlib import Path

import click

from shelfsort.cli.asking import asking, table_options, tls_of, tls_options
from shelfsort.cli.batch.predict import Job, Outcome, predict_file
from shelfsort.cli.numbers import FiniteRange
from shelfsort.client import (
    DEFAULT_MODEL,
    Answer,
    AnswerError,
    Connection,
    Product,
    ServerError,
)
from shelfsort.client.messages import checked
from shelfsort.contract.targets import percent_of
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.storage import absolute
from shelfsort.core.terminal import json_text, one_line
from shelfsort.products.tables.columns import parse_columns
from shelfsort.products.tables.rows import Reading

_BAR_WIDTH = 30


@click.command()
@click.option("--address", metavar="HOST:PORT", help="The server's gRPC address.")
@click.option(
    "--model-folder",
    type=click.Path(path_type=Path),
    help="Folder of a model to ask without a server, such as out/serving.",
)
@click.option("--data", help="File of products, in any form that `shelfsort run` takes.")
@click.option("--output", help="File of answers for --data: .csv, .tsv, .jsonl or .parquet.")
@table_options
@click.option("--title", default="", help="Title of the product.")
@click.option("--description", default="", help="Description of the product.")
@click.option("--image", type=click.Path(path_type=Path), help="Image file of the product.")
@click.option("--price", type=float, help="Price of the product.")
@click.option(
    "--model", default=DEFAULT_MODEL, show_default=True, help="Name of the model on the server."
)
@click.option("--version", type=click.IntRange(min=1), help="Model version. Default: the newest.")
@click.option(
    "--timeout",
    type=FiniteRange(min=0.001),
    default=10.0,
    show_default=True,
    help="Seconds to wait, including retries.",
)
@tls_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def predict(
    address: str | None,
    model_folder: Path | None,
    data: str | None,
    output: str | None,
    columns: tuple[str, ...],
    encoding: str,
    sheet: str,
    allow_http: bool,
    image_roots: tuple[str, ...],
    title: str,
    description: str,
    image: Path | None,
    price: float | None,
    model: str,
    version: int | None,
    timeout: float,
    tls: bool,
    tls_ca: Path | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    as_json: bool,
) -> None:
    """Ask a model which category a product, or each product of a file, belongs to.

    With --data every row gets one row in --output, in the same order. A row that cannot be answered
    says why in the column `error`. A run that was stopped goes on when it is started again.

    \b
    Examples:
      shelfsort predict --address localhost:8500 --title "Canvas tote bag"
      shelfsort predict --address localhost:8500 --image tote.jpg --price 19.90 --json
      shelfsort predict --address models.shop:8500 --tls --title "Canvas tote bag"
      shelfsort predict --model-folder out/serving --data products.csv --output answers.csv

    The exit status is 0 if the model answered, 1 if it did not, and 2 if the input is unusable.
    """
    connection = Connection(timeout, tls=tls_of(tls, tls_ca, tls_certificate, tls_key))
    one = Product(title, description, image, price)
    if data is None:
        # Before a model is loaded or asked.
        row = checked(one)
    elif output is None or one != Product():
        raise InputError("--data: give --output, and no product beside it.")
    with asking(address, model_folder, model, version, connection) as (ask, name):
        if data is not None:
            reading = Reading(parse_columns(*columns), encoding, sheet)
            job = Job(absolute(data), str(output), reading, name, image_roots, allow_http)
            _say_outcome(predict_file(job, ask, _say), str(output))
            return
        try:
            (answer,) = ask([row])
        except (ServerError, AnswerError) as error:
            raise RunFailed(str(error)) from error
    if as_json:
        click.echo(json_text(answer.to_json()))
    else:
        click.echo("\n".join(map(one_line, readable(answer, model))))


def _say(line: str) -> None:
    click.echo(one_line(line), err=True)


def _say_outcome(outcome: Outcome, output: str) -> None:
    _say(f"{outcome.rows:,} rows in {output}: {outcome.rows - outcome.errors:,} answered")
    for name, n in outcome.accepted.items():
        _say(f"  {n:,} {name}")
    if outcome.left_out:
        _say(f"  {outcome.left_out:,} answered without a part that could not be read")
    if outcome.errors:
        _say(f"  {outcome.errors:,} not answered; the first: {outcome.first_error}")


def readable(answer: Answer, model: str) -> list[str]:
    """Returns lines for a person: the category, whether it is accepted, and the runners-up."""
    return [
        f"{answer.path}   {answer.score:.1%}",
        *(
            f"  at {percent_of(target)} %  {_decision(accepted)}"
            for target, accepted in answer.accepted.items()
        ),
        f"  answer   {_answer(answer)}",
        *_strangeness(answer),
        "",
        *_bars(answer),
        "",
        f"{model} version {answer.model_version}, thresholds {answer.threshold_version}",
    ]


def _decision(accepted: bool) -> str:
    return "accepted" if accepted else "not accepted: ask a person"


def _strangeness(answer: Answer) -> list[str]:
    if answer.unknown_score is None:
        return []
    share = f"{answer.unknown_score:.1%} of known products look less strange"
    return [f"  unknown  {answer.unknown_score:.3f}: {share}"]


def _answer(answer: Answer) -> str:
    if not answer.answer:
        return "none: no category or ancestor is accepted"
    if answer.answer == answer.category:
        return answer.answer
    return f"{answer.answer} (an ancestor of the category, at level {answer.level})"


def _bars(answer: Answer) -> list[str]:
    names = max((len(ranked.category) for ranked in answer.top), default=0)
    return [
        f"  {ranked.category:<{names}}  {ranked.score:6.1%}  "
        f"{'█' * round(_BAR_WIDTH * min(max(ranked.score, 0.0), 1.0))}".rstrip()
        for ranked in answer.top
    ]
