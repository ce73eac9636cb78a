"""`shelfsort demo`: a small catalogue, the whole pipeline, and one answer over gRPC."""

import sys
import time
from pathlib import Path

import click

from demo.catalogue import TAXONOMY, Catalogue, HeldOut, make_catalogue
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
@click.option(
    "--catalog", is_flag=True, help="Begin with a shop's tables and links to its picture server."
)
def demo(output: str, products: int, seed: int, catalog: bool) -> None:
    """Run everything on a small generated catalogue and ask the pushed model over gRPC.

    With --catalog the products lie in the tables of two sources, and their pictures behind links to
    a server of this machine, some of them slow or dead. They are imported, fetched, and written as
    a manifest with the labels of their sources first.

    \b
    Examples:
      shelfsort demo
      shelfsort demo --output /tmp/demo --seed 8
      shelfsort demo --catalog
    """
    started = time.monotonic()
    folder = Path(output)
    if catalog:
        question = _from_shop(folder, products, seed)
    else:
        made = make_catalogue(folder / "catalogue", products, seed)
        _say_catalogue(made, time.monotonic() - started)
        run_and_say(str(made.manifest), str(made.taxonomy), str(folder / "run"))
        question = made.held_out
    _ask(question, folder)
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


def _from_shop(folder: Path, products: int, seed: int) -> HeldOut:
    """Runs everything from a shop's tables on; returns what to ask the model."""
    from demo.shop import REPORT, TRAINING, make_shop
    from demo.shop_fetch import fetch_from_shop
    from demo.shop_server import picture_server
    from shelfsort.cli.catalog.import_rows import import_rows
    from shelfsort.cli.catalog.manifest import manifest
    from shelfsort.cli.catalog.report import report

    place = folder / "shop"
    with picture_server() as server:
        shop = make_shop(place, server, products, seed)
        settings = str(shop.settings)
        click.echo(f"Shop: {shop.products} products in 7 tables, {shop.links} links in {place}")
        import_rows.main([settings], standalone_mode=False)
        fetch_from_shop(settings)
    training = place / TRAINING
    arguments = ["--labelled", "--without-images", "--output", str(training)]
    manifest.main([settings, *arguments], standalone_mode=False)
    report.main([settings, "--output", str(place / REPORT)], standalone_mode=False)
    run_and_say(str(training), str(place / TAXONOMY), str(folder / "run"))
    return shop.held_out


def _ask(question: HeldOut, folder: Path) -> None:
    click.echo("\nAsking the server over gRPC about a product that the model has never seen:")
    click.echo(f"  title {question.title!r}, image {question.image}")
    click.echo(f"  true category {question.path}")
    with model_server(folder / "run" / "serving", folder / "run" / "logs" / "server.log") as at:
        arguments = ["--address", at, "--image", str(question.image)]
        arguments += ["--title", question.title, "--description", question.description]
        predict.main([*arguments, "--price", str(question.price)], standalone_mode=False)
