"""`shelfsort catalog crosswalk`: source categories and leaves, before and after the mapping."""

import dataclasses
from collections.abc import Iterator

import click

from shelfsort.catalog import crosswalk as mapping
from shelfsort.catalog.category_counts import (
    CategoryCounts,
    balance,
    category_counts,
    sorted_products,
)
from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.settings import CatalogSettings, load_settings
from shelfsort.catalog.suggestions import suggestions, write_suggestions
from shelfsort.cli.catalog.options import json_option, settings_argument
from shelfsort.cli.catalog.outputs import refuse_own_files
from shelfsort.cli.databases import closed_at_end
from shelfsort.cli.tables import Column, table_lines, terminal_width
from shelfsort.core.database.engine import reader
from shelfsort.core.errors import InputError
from shelfsort.core.terminal import json_text, one_line
from shelfsort.products.taxonomy import Taxonomy

_MOST_LINES = 40


@click.command(short_help="Count products by category, and suggest leaves for them.")
@settings_argument
@click.option("--suggest", is_flag=True, help="Write a crosswalk for a person to edit.")
@click.option("--output", help="CSV file that --suggest writes.")
@click.option("--least", type=click.IntRange(min=0), help="Fewer products make a leaf rare.")
@json_option
def crosswalk(
    settings: str, suggest: bool, output: str | None, least: int | None, as_json: bool
) -> None:
    """Count products by source category and, after the crosswalk, by leaf of the tree.

    --suggest writes the present crosswalk and a line for every other category. `to` is filled in
    where it is likely: check these lines, and fill in the others with a leaf or with `ignore`.
    Then name the file as `crosswalk` in the settings.

    \b
    Examples:
      shelfsort catalog crosswalk catalog.yaml
      shelfsort catalog crosswalk catalog.yaml --suggest --output crosswalk.csv
      shelfsort catalog crosswalk catalog.yaml --least 1000 --json
    """
    if suggest != (output is not None):
        raise click.UsageError("--suggest and --output go together.")
    read = load_settings(settings)
    if output is not None:
        refuse_own_files(read, output)
    tree = _tree(read)
    given = mapping.lines(read.crosswalk) if read.crosswalk else []
    found = None
    if read.crosswalk:
        found = mapping.Crosswalk.load(read.crosswalk, tree, read.sources)
    known = found or mapping.Crosswalk({}, tree)
    engine = closed_at_end(open_database(read.database, must_exist=True))
    with reader(engine) as connection:
        if output is not None:
            lines = suggestions(sorted_products(connection), given, known, tree)
            write_suggestions(output, lines)
            filled = sum(bool(line.to) for line in lines)
            told = {"categories": len(lines), "filled": filled, "output": output}
            text = f"{len(lines):,} categories, {filled:,} with a leaf, written to {output}"
            click.echo(json_text(told) if as_json else one_line(text))
            return
        fewest = read.least_products if least is None else least
        counts = category_counts(sorted_products(connection), known, fewest)
    if as_json:
        click.echo(json_text(_record(counts, tree)))
    else:
        click.echo("\n".join(_lines(counts, tree)))


def _tree(read: CatalogSettings) -> Taxonomy:
    if not read.taxonomy:
        raise InputError(f"{read.file}: the crosswalk needs a taxonomy. Add it.")
    return Taxonomy.load(read.taxonomy)


def _record(counts: CategoryCounts, tree: Taxonomy) -> dict[str, object]:
    def named(at: tuple[str, str], count: int) -> dict[str, object]:
        return {"source": at[0], "category": at[1], "products": count}

    return {
        "products": counts.products,
        "mapped": counts.mapped,
        "ignored": counts.ignored,
        "uncategorised": counts.uncategorised,
        "before": [named(at, count) for at, count in counts.before.items()],
        "after": {tree.path(leaf): count for leaf, count in counts.after.items()},
        "from": {
            tree.path(leaf): [named(at, count) for at, count in found.items()]
            for leaf, found in counts.from_.items()
        },
        "unmapped": [named(at, count) for at, count in counts.unmapped.items()],
        "several": [
            {"leaves": [tree.path(leaf) for leaf in leaves], "products": count}
            for leaves, count in counts.several.items()
        ],
        "rare": {tree.path(leaf): count for leaf, count in counts.rare.items()},
        "balance": dataclasses.asdict(balance(counts.kept)),
    }


def _lines(counts: CategoryCounts, tree: Taxonomy) -> Iterator[str]:
    yield (
        f"before: {counts.products:,} products, {len(counts.before):,} categories, "
        f"{counts.uncategorised:,} products without any"
    )
    yield (
        f"after:  {counts.mapped:,} products ({counts.mapped / max(counts.products, 1):.1%}) in "
        f"{len(counts.after):,} leaves"
    )
    even = balance(counts.kept)
    if counts.least:
        yield f"rare:   {len(counts.rare):,} leaves with fewer than {counts.least:,} products"
    yield (
        f"kept:   {even.categories:,} leaves, the largest has {even.ratio:.1f} times the products "
        f"of the smallest; as diverse as {even.effective:.1f} equal ones"
    )
    yield from _leaf_table(counts, tree)
    rows = [(f"{source}: {name}", f"{n:,}") for (source, name), n in counts.unmapped.items()]
    if rows:
        yield ""
        columns = (Column("without a leaf", wraps=True), Column("products", number=True))
        yield from table_lines(columns, rows[:_MOST_LINES], terminal_width())
        yield f"{counts.ignored:,} of these products are ignored on purpose"
    if counts.several:
        yield ""
        yield f"{sum(counts.several.values()):,} products have categories of several leaves:"
        for leaves, count in list(counts.several.items())[:_MOST_LINES]:
            yield one_line(f"  {count:,}: " + "; ".join(tree.path(leaf) for leaf in leaves))


def _leaf_table(counts: CategoryCounts, tree: Taxonomy) -> Iterator[str]:
    columns = (
        Column("leaf", wraps=True),
        Column("products", number=True),
        Column("from", wraps=True),
    )
    rows = []
    for leaf, count in list(counts.after.items())[:_MOST_LINES]:
        names = dict.fromkeys(name for _, name in counts.from_[leaf])
        rows.append((tree.path(leaf), f"{count:,}", ", ".join(names)))
    if rows:
        yield ""
        yield from table_lines(columns, rows, terminal_width())
