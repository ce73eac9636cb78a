"""`shelfsort catalog manifest`: products with their pictures, for people or for a run."""

import posixpath

import click

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.output.manifest import FILE_NAME, IMAGES, write_products
from shelfsort.catalog.output.pictures import Pictures
from shelfsort.catalog.output.selection import OnePer, Selection
from shelfsort.catalog.output.wanted import wanted_products
from shelfsort.catalog.settings import CatalogSettings, load_settings
from shelfsort.cli.catalog.leaving import left_out_lines, one_per_option, sources_option
from shelfsort.cli.catalog.options import json_option, settings_argument
from shelfsort.cli.catalog.outputs import refuse_own_files
from shelfsort.cli.databases import closed_at_end
from shelfsort.core.database.engine import reader, reading_errors
from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_folder, join
from shelfsort.core.terminal import json_text, one_line


@click.command(short_help="Write products and their pictures as a manifest.")
@settings_argument
@click.option("--output", required=True, metavar="PLACE", help="File to write, or a folder.")
@click.option("--labelled", is_flag=True, help="Take the categories of trusted sources as labels.")
@click.option("--copy", is_flag=True, help="Copy pictures beside the manifest.")
@click.option("--without-images", is_flag=True, help="Take products without a picture, too.")
@sources_option
@one_per_option
@json_option
def manifest(
    settings: str,
    output: str,
    labelled: bool,
    copy: bool,
    without_images: bool,
    sources: tuple[str, ...],
    one_per: OnePer,
    as_json: bool,
) -> None:
    """Write the products that are on sale, each with its first good picture, as a manifest.

    Without --labelled the manifest is for people: `shelfsort labels manifest` and `labels next`
    read it. With --labelled every line has the leaf that its source's categories mean, from sources
    with `trusted_categories: true`, and `shelfsort run` trains on it. Lines say which source and
    licence a product has.

    Pictures stay in the store unless --copy is given.

    \b
    Examples:
      shelfsort catalog manifest catalog.yaml --output products.manifest
      shelfsort catalog manifest catalog.yaml --labelled --copy --output training
      shelfsort catalog manifest catalog.yaml --source shop --one-per group --output shop.manifest
    """
    found = load_settings(settings)
    wanted = wanted_products(
        found, sources, labelled=labelled, without_images=without_images, one_per=one_per
    )
    place = _file(output)
    refuse_own_files(found, place, found.crosswalk)
    pictures = Pictures(found.images, join(place.rpartition("/")[0] or ".", IMAGES) if copy else "")
    with reading_errors(found.database):
        engine = closed_at_end(open_database(found.database, must_exist=True))
        with reader(engine) as connection:
            selection = Selection(connection, wanted)
            count = write_products(place, selection, pictures)
    if as_json:
        click.echo(
            json_text(
                {
                    "manifest": place,
                    "products": count,
                    "left_out": dict(selection.left_out),
                    "copied": pictures.copied,
                }
            )
        )
        return
    click.echo(f"{one_line(place)}: {count:,} products{' with labels' if labelled else ''}")
    for line in [*left_out_lines(selection.left_out), *_notes(found, pictures)]:
        click.echo(line, err=True)
    if not count:
        raise InputError(f"{settings}: no product is left, and nothing was written. See why above.")


def _file(output: str) -> str:
    """The file to write: a name without a suffix is that of a folder."""
    named = posixpath.splitext(output)[1] and not output.endswith("/")
    return output if named and not is_folder(output) else join(output, FILE_NAME)


def _notes(settings: CatalogSettings, pictures: Pictures) -> list[str]:
    notes = [f"  pictures copied: {pictures.copied:,}"] if pictures.copied else []
    if pictures.outside:
        roots = f"data.image_roots='[\"{one_line(settings.images)}\"]'"
        notes.append(
            f"  pictures lie outside the manifest's folder. Give --copy, or run with --set {roots}"
        )
    return notes
