"""`shelfsort predict`: asks a running model server about one product."""

import json
from pathlib import Path

import click

from shelfsort.client import (
    DEFAULT_MODEL,
    Answer,
    AnswerError,
    Classifier,
    Connection,
    ServerError,
    Tls,
)
from shelfsort.contract.targets import percent_of
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.terminal import one_line

_BAR_WIDTH = 30


@click.command()
@click.option("--address", required=True, metavar="HOST:PORT", help="The server's gRPC address.")
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
    type=click.FloatRange(min=0.001),
    default=10.0,
    show_default=True,
    help="Seconds to wait, including retries.",
)
@click.option("--tls", is_flag=True, help="Connect with TLS. Each --tls-... option implies it.")
@click.option("--tls-ca", type=click.Path(path_type=Path), help="PEM file of the CA to trust.")
@click.option(
    "--tls-certificate", type=click.Path(path_type=Path), help="PEM file of the client certificate."
)
@click.option(
    "--tls-key", type=click.Path(path_type=Path), help="PEM file of the client certificate's key."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def predict(
    address: str,
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
    """Ask a model server which category a product belongs to.

    \b
    Examples:
      shelfsort predict --address localhost:8500 --title "Canvas tote bag"
      shelfsort predict --address localhost:8500 --image tote.jpg --price 19.90 --json
      shelfsort predict --address models.shop:8500 --tls --title "Canvas tote bag"

    The exit status is 0 if the server answered, 1 if it did not, and 2 if the input is unusable.
    """
    if not address.rpartition(":")[2].isdigit():
        raise InputError(f"--address {address}: no port. Give HOST:PORT, such as localhost:8500.")
    secured = tls or any((tls_ca, tls_certificate, tls_key))
    connection = Connection(
        timeout_s=timeout,
        tls=Tls.from_files(tls_ca, tls_certificate, tls_key) if secured else None,
    )
    with Classifier(address, model, version=version, connection=connection) as classifier:
        try:
            answer = classifier.classify(
                title=title, description=description, image=image, price=price
            )
        except (ServerError, AnswerError) as error:
            raise RunFailed(str(error)) from error
    if as_json:
        click.echo(json.dumps(answer.to_json(), ensure_ascii=False))
    else:
        click.echo("\n".join(map(one_line, readable(answer, model))))


def readable(answer: Answer, model: str) -> list[str]:
    """Returns lines for a person: the category, whether it is accepted, and the runners-up."""
    return [
        f"{answer.path}   {answer.score:.1%}",
        *(
            f"  at {percent_of(target)} %  {_decision(accepted)}"
            for target, accepted in answer.accepted.items()
        ),
        f"  answer   {_answer(answer)}",
        "",
        *_bars(answer),
        "",
        f"{model} version {answer.model_version}, thresholds {answer.threshold_version}",
    ]


def _decision(accepted: bool) -> str:
    return "accepted" if accepted else "not accepted: ask a person"


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
