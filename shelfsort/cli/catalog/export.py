"""`shelfsort catalog export`: the labelled image set in a form that others take."""

from typing import Any

import click

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.output.image_set import Contents
from shelfsort.catalog.output.pictures import Pictures
from shelfsort.catalog.output.selection import REASONS, OnePer, Selection, Wanted
from shelfsort.catalog.output.wanted import wanted_products
from shelfsort.catalog.settings import CatalogSettings, load_settings
from shelfsort.cli.catalog.leaving import left_out_lines, one_per_option, sources_option
from shelfsort.cli.catalog.options import json_option, settings_argument
from shelfsort.cli.databases import closed_at_end
from shelfsort.core.database.engine import reader, reading_errors
from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_remote
from shelfsort.core.terminal import json_text, one_line

KAGGLE, HUGGING_FACE = "kaggle", "huggingface"


@click.command(short_help="Write the labelled image set for Kaggle or Hugging Face.")
@settings_argument
@click.option("--output", required=True, metavar="FOLDER", help="Folder to write; a new one.")
@click.option(
    "--format",
    "form",
    type=click.Choice([KAGGLE, HUGGING_FACE]),
    default=KAGGLE,
    show_default=True,
    help="A folder by category with a table, or Parquet with a data card.",
)
@click.option("--title", default="", help="Title of the set. Default: its name in --dataset.")
@click.option("--dataset", default="", metavar="OWNER/NAME", help="What Kaggle calls the set.")
@click.option(
    "--push", type=click.Choice([KAGGLE]), help="Upload the set, as a private one where it is new."
)
@click.option("--notes", default="", help="Upload as a new version, with these notes.")
@click.option("--licence-unknown-ok", is_flag=True, help="Take sources without a licence, too.")
@sources_option
@one_per_option
@json_option
def export(
    settings: str,
    output: str,
    form: str,
    title: str,
    dataset: str,
    push: str | None,
    notes: str,
    licence_unknown_ok: bool,
    sources: tuple[str, ...],
    one_per: OnePer,
    as_json: bool,
) -> None:
    """Write the products of trusted sources with their pictures and leaves, as an image set.

    Pictures whose source has no licence are left out. The set says which source and licence each
    product has.

    --push kaggle needs the package kaggle, and KAGGLE_USERNAME and KAGGLE_KEY in the environment.

    \b
    Examples:
      shelfsort catalog export catalog.yaml --dataset shop/photos --output kaggle
      shelfsort catalog export catalog.yaml --dataset shop/photos --push kaggle --output kaggle
      shelfsort catalog export catalog.yaml --format huggingface --title Photos --output hub
    """
    title = title or dataset.rpartition("/")[2]
    _check(form, push, notes, title, dataset, output)
    api = None
    if push:
        from shelfsort.catalog.output.kaggle_set import kaggle_api

        api = kaggle_api()
    found = load_settings(settings)
    wanted = wanted_products(
        found, sources, labelled=True, licensed=not licence_unknown_ok, one_per=one_per
    )
    with reading_errors(found.database):
        contents, selection = _written(found, wanted, output, form, title, dataset)
    if push:
        from shelfsort.catalog.output.kaggle_set import push_kaggle

        push_kaggle(api, output, notes)
    if as_json:
        click.echo(json_text(_as_json(output, contents, selection)))
        return
    click.echo(
        f"{one_line(output)}: {contents.products:,} products in "
        f"{len(contents.categories):,} categories"
    )
    lines = left_out_lines(selection.left_out)
    if contents.lost:
        lines.append(f"  left out: {contents.lost:,} (the picture is not in the store as it was)")
    for line in lines:
        click.echo(line, err=True)
    if push:
        click.echo(f"Uploaded to Kaggle as {one_line(dataset)}")


def _check(form: str, push: str | None, notes: str, title: str, dataset: str, output: str) -> None:
    if form == KAGGLE:
        from shelfsort.catalog.output.kaggle_set import KaggleNames

        if not dataset:
            raise InputError("--dataset is missing. Say what Kaggle calls the set: OWNER/NAME.")
        KaggleNames(dataset, title)
    elif push:
        raise InputError("--push kaggle: takes --format kaggle. Leave out one.")
    elif not title:
        raise InputError("--title is missing. Say what the set is called.")
    if notes and not push:
        raise InputError("--notes: is for an upload. Give --push kaggle.")
    if push and is_remote(output):
        raise InputError("--push kaggle: takes a folder on this machine as --output.")


def _written(
    settings: CatalogSettings, wanted: Wanted, output: str, form: str, title: str, dataset: str
) -> tuple[Contents, Selection]:
    pictures = Pictures(settings.images)
    engine = closed_at_end(open_database(settings.database, must_exist=True))
    with reader(engine) as connection:
        selection = Selection(connection, wanted)
        classes = sorted({each.label for each in selection if each.label})
        if not classes:
            why = selection.left_out.most_common(1)
            most = f": {why[0][1]:,} are left out because {REASONS[why[0][0]]}" if why else ""
            raise InputError(f"{settings.file}: no product is left{most}.")
        if form == KAGGLE:
            from shelfsort.catalog.output.kaggle_set import KaggleNames, write_kaggle

            names = KaggleNames(dataset, title)
            return write_kaggle(output, selection, pictures, names), selection
        from shelfsort.catalog.output.hugging_face import write_hugging_face

        return write_hugging_face(output, selection, pictures, title, classes), selection


def _as_json(output: str, contents: Contents, selection: Selection) -> dict[str, Any]:
    return {
        "output": output,
        "products": contents.products,
        "categories": dict(contents.categories),
        "sources": [
            {"name": name, "licence": licence, "products": count}
            for (name, licence), count in contents.sources.items()
        ],
        "left_out": {**selection.left_out, "lost_picture": contents.lost},
    }
