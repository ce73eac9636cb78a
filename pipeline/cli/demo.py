"""`shelfsort demo`: a small catalogue, the whole pipeline, and one answer over gRPC."""

import sys
import time
from pathlib import Path

import click

from demo.catalogue import Catalogue, make_catalogue
from demo.question import model_server
from pipeline.cli.run import run_and_say
from shelfsort.cli.predict import predict


@click.command()
@click.option("--output", default="demo-output", show_default=True, help="Folder for everything.")
@click.option(
    "--products",
    type=click.IntRange(min=200),
    default=600,
    show_default=True,
    help="Number of products to generate.",
)
@click.option("--seed", default=7, show_default=True, help="Seed of the generated catalogue.")
def demo(output: str, products: int, seed: int) -> None:
    """Run everything on a small generated catalogue and ask the pushed model over gRPC.

    \b
    Examples:
      shelfsort demo
      shelfsort demo --output /tmp/demo --seed 8
    """
    started = time.monotonic()
    folder = Path(output)
    catalogue = make_catalogue(folder / "catalogue", products, seed)
    _say_catalogue(catalogue, time.monotonic() - started)
    run_and_say(str(catalogue.manifest), str(catalogue.taxonomy), str(folder / "run"))
    _ask(catalogue, folder)
    click.echo(f"\nThe demo took {time.monotonic() - started:.0f} s. Next:")
    # As it was called: in a checkout the command is not on the PATH.
    program = sys.argv[0]
    click.echo(f"  {program} report {folder / 'run'} --open")
    click.echo(f"  {program} check YOUR_PRODUCTS.csv")
    click.echo(f"  {program} run --data YOUR_PRODUCTS.csv --output out")


def _say_catalogue(catalogue: Catalogue, seconds: float) -> None:
    click.echo(
        f"Catalogue: {catalogue.products} products, "
        f"{sum(catalogue.rejects.values())} broken lines and "
        f"{catalogue.wrong_labels} wrong majority labels in {catalogue.directory} "
        f"({seconds:.1f} s)"
    )


def _ask(catalogue: Catalogue, folder: Path) -> None:
    question = catalogue.held_out
    click.echo("\nAsking the server over gRPC about a product that the model has never seen:")
    click.echo(f"  title {question.title!r}, image {question.image}")
    click.echo(f"  true category {question.path}")
    with model_server(folder / "run" / "serving", folder / "run" / "logs" / "server.log") as at:
        arguments = ["--address", at, "--image", str(question.image)]
        arguments += ["--title", question.title, "--description", question.description]
        predict.main([*arguments, "--price", str(question.price)], standalone_mode=False)
