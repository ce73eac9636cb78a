"""`shelfsort check`: what data holds, what was not understood, and what to expect of a run."""

import dataclasses
from collections.abc import Mapping

import click

from pipeline.cli.options import data_options, data_overrides, settings_options
from pipeline.config import load_config
from pipeline.local.console import no_progress
from pipeline.local.findings import Findings, find
from shelfsort.cli.tables import Column, table_lines, terminal_width
from shelfsort.core.storage import absolute
from shelfsort.core.terminal import json_text, one_line
from shelfsort.products.manifest.rejects import REASONS, UNLABELLED

_CATEGORIES_SHOWN = 20
_DESCRIBING = ("title", "description", "price", "image")
_INNER = {REASONS["not_a_leaf"], REASONS["inner_label"]}
_CATEGORY_COLUMNS = (Column("category", wraps=True), Column("products", number=True))


@click.command()
@click.argument("data")
@data_options
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(
    data: str,
    taxonomy: str,
    columns: tuple[str, ...],
    categories: tuple[str, ...],
    min_products: int | None,
    config_file: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say what DATA holds, what was not understood, and what to expect of a run on it.

    DATA and the options are those of `shelfsort run`. The check reads every row and a sample of
    the images, and trains nothing. The exit status is 0 if a run can use the data, and 2 if not.

    \b
    Examples:
      shelfsort check products.csv
      shelfsort check products.xlsx --columns title=Name,image=Photo
      shelfsort check photos/ --min-products 20
    """
    chosen = data_overrides(columns, categories, min_products)
    config = load_config(config_file, (*chosen, *overrides))
    with no_progress():
        tree = absolute(taxonomy) if taxonomy else ""
        found = find(absolute(data), tree, config.data, config.targets)
    if as_json:
        click.echo(json_text(dataclasses.asdict(found)))
    else:
        for line in map(one_line, readable(found, terminal_width())):
            click.echo(one_line(line))
    found.refuse_unusable()


def readable(found: Findings, width: int | None) -> list[str]:
    """The findings as lines for a person."""
    lines = []
    for file in found.files:
        lines.append(f"{file.name}: {file.form}, {file.rows:,} rows")
        if file.columns:
            held = ", ".join(f"{field} from {name!r}" for field, name in file.columns.items())
            lines.append(f"  columns: {held}")
        if file.unused:
            lines.append(f"  not used: {', '.join(map(repr, file.unused))}{_hint(file.columns)}")
    lines.append(f"Categories: {found.tree}")
    lines.append(f"Products: {found.products:,} of {found.rows:,} rows can be used")
    lines += [f"  {_left_out(why, n)}; the first: {first}" for why, n, first in found.rejects]
    if not found.inner and _INNER & {why for why, _, _ in found.rejects}:
        lines.append("  Labels with inner categories can teach, too: --set data.inner_labels=train")
    lines += [
        f"  {n:,} x {what}; the first: {found.first_ignored[what]}"
        for what, n in found.ignored.items()
    ]
    if found.inner:
        lines.append(f"  {_only_training(found.inner)}")
    lines.append(f"Images: {found.images}")
    lines.append("")
    ranked = sorted(found.categories.items(), key=lambda item: (-item[1], item[0]))
    shown = [[path, f"{n:,}"] for path, n in ranked[:_CATEGORIES_SHOWN]]
    lines += table_lines(_CATEGORY_COLUMNS, shown, width)
    if beyond := ranked[_CATEGORIES_SHOWN:]:
        lines.append(f"{len(beyond):,} more, with {beyond[-1][1]:,} to {beyond[0][1]:,} products")
    return [*lines, "", *found.expectations]


def _hint(columns: Mapping[str, str]) -> str:
    """What to do if an unused column holds a field that no column is recognised for."""
    missing = [field for field in _DESCRIBING if field not in columns]
    if not missing:
        return ""
    named = " or ".join([", ".join(missing[:-1]), missing[-1]][len(missing) == 1 :])
    return f". If one holds the {named}, name it, as in --columns {missing[-1]}=COLUMN"


def _only_training(inner: Mapping[str, int]) -> str:
    (most, n), total = max(inner.items(), key=lambda item: item[1]), sum(inner.values())
    return (
        f"{total:,} only train: their labels are inner categories ({len(inner):,}, most often "
        f"{most!r}, {n:,} times)"
    )


def _left_out(why: str, n: int) -> str:
    if why == REASONS[UNLABELLED]:
        return f"{n:,} {'product is' if n == 1 else 'products are'} not labelled yet"
    return f"{n:,} left out: {why}"
