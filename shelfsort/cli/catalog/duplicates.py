"""`shelfsort catalog duplicates`: products and pictures that are the same."""

import dataclasses
from collections.abc import Iterator, Sequence

import click

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.duplicates.finding import MOST_OF_ONE_HASH, Found, find_duplicates
from shelfsort.catalog.duplicates.identity import (
    KINDS,
    PictureCounts,
    Repeats,
    picture_counts,
    repeats,
)
from shelfsort.catalog.output.pictures import Pictures
from shelfsort.catalog.settings import load_settings
from shelfsort.cli.catalog.options import json_option, settings_argument
from shelfsort.cli.databases import closed_at_end
from shelfsort.cli.tables import Column, table_lines, terminal_width
from shelfsort.core.database.engine import reader
from shelfsort.core.terminal import json_text


@click.command(short_help="Find products and pictures that are the same.")
@settings_argument
@json_option
def duplicates(settings: str, as_json: bool) -> None:
    """Find products and pictures that are the same, and count them.

    Perceptual hashes propose pairs of pictures, and their pixels decide. The verdicts go to the
    table `pair` of the crawl database, where `catalog manifest` and `catalog export` find them. A
    pair that was decided before is not looked at again.

    \b
    Examples:
      shelfsort catalog duplicates catalog.yaml
      shelfsort catalog duplicates catalog.yaml --json
    """
    read = load_settings(settings)
    engine = closed_at_end(open_database(read.database, must_exist=True))
    pictures = Pictures(read.images)

    def content(digest: str, form: str) -> bytes:
        return pictures.read_named(digest, form, read.fetch.max_bytes)

    found = find_duplicates(engine, content, read.duplicates)
    with reader(engine) as connection:
        groups, pairs = repeats(connection), picture_counts(connection)
    if as_json:
        click.echo(json_text(_record(groups, pairs, found)))
    else:
        click.echo("\n".join(_lines(groups, pairs, found)))


def _record(groups: Sequence[Repeats], pairs: PictureCounts, found: Found) -> dict[str, object]:
    products = {each.kind: {**dataclasses.asdict(each), "extra": each.extra} for each in groups}
    for each in products.values():
        del each["kind"]
    pictures = {**dataclasses.asdict(found), **dataclasses.asdict(pairs)}
    return {"products": products, "pictures": pictures}


def _lines(groups: Sequence[Repeats], pairs: PictureCounts, found: Found) -> Iterator[str]:
    columns = (
        Column("the same by", wraps=True),
        Column("groups", number=True),
        Column("products", number=True),
        Column("largest", number=True),
    )
    rows = [
        (KINDS[each.kind], f"{each.groups:,}", f"{each.products:,}", f"{each.largest:,}")
        for each in groups
    ]
    yield from table_lines(columns, rows, terminal_width())
    yield ""
    yield f"{found.images:,} pictures, {found.proposed:,} pairs with near hashes"
    yield f"{found.decided:,} pairs were new, {found.unreadable:,} pictures could not be read"
    yield f"{pairs.same:,} pairs are the same picture, {pairs.different:,} only look alike"
    if found.crowded:
        yield (
            f"{found.crowded:,} hashes are shared by more than {MOST_OF_ONE_HASH} pictures, which "
            f"were compared with {MOST_OF_ONE_HASH} of each only"
        )
