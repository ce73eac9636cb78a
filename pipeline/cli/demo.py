"""`shelfsort demo`: a small catalogue, the whole pipeline, and one answer over gRPC."""

import time
from pathlib import Path

import click

from demo.catalogue import Catalogue, make_catalogue
from demo.question import model_server
from pipeline.cli.run import run_and_say
from shelfsort.cli.predict import predict

# With 600 products a tenth is too few to prove anything on: 59 products, all of them right, are
# the least that prove 95 %. The floors leave room for what so few products can show.
SETTINGS = (
    "data.splits={train: 55, calibration: 30, eval: 15}",
    "gate.accepted_accuracy_95=0.8",
    "gate.accepted_accuracy_98=0.8",
    "training.fit.epochs=25",
)


@click.command()
@click.option("--output", default="demo-output", show_default=True, help="Folder for everything.")
@click.option("--products", type=click.IntRange(min=200), default=600, show_default=True)
@click.option("--seed", default=7, show_default=True, help="Another seed, another catalogue.")
def demo(output: str, products: int, seed: int) -> None:
    """Make a small catalogue, run everything on it, and ask the pushed model over gRPC.

    \b
    Examples:
      shelfsort demo
      shelfsort demo --output /tmp/demo --seed 8
    """
    started = time.monotonic()
    folder = Path(output)
    catalogue = make_catalogue(folder / "catalogue", products, seed)
    _say_catalogue(catalogue, time.monotonic() - started)
    run_and_say(
        str(catalogue.manifest), str(catalogue.taxonomy), str(folder / "run"), overrides=SETTINGS
    )
    _ask(catalogue, folder)
    click.echo(f"\nThe report: {(folder / 'run' / 'report' / 'index.html').resolve()}")
    click.echo(f"The demo took {time.monotonic() - started:.0f} s")


def _say_catalogue(catalogue: Catalogue, seconds: float) -> None:
    click.echo(
        f"Catalogue: {catalogue.products} products, "
        f"{sum(catalogue.rejects.values())} broken lines, "
        f"{catalogue.wrong_labels} wrong majority labels, in {catalogue.directory} "
        f"({seconds:.1f} s)"
    )


def _ask(catalogue: Catalogue, folder: Path) -> None:
    question = catalogue.held_out
    click.echo("\nA product the model has never seen, asked over gRPC:")
    click.echo(f"  title {question.title!r}, picture {question.image}, really: {question.path}")
    with model_server(folder / "run" / "serving", folder / "run" / "logs" / "server.log") as at:
        arguments = ["--address", at, "--image", str(question.image)]
        arguments += ["--title", question.title, "--description", question.description]
        predict.main([*arguments, "--price", str(question.price)], standalone_mode=False)
