"""`shelfsort taxonomy rollup | reduce`: a tree beside the labels of products."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import click

from shelfsort.cli.taxonomy.tree import file_argument, json_option, say, say_json
from shelfsort.core.errors import InputError
from shelfsort.core.files import refuse_inputs, write_json, write_text
from shelfsort.core.spreadsheets import as_cell
from shelfsort.core.storage import absolute
from shelfsort.labeling.trees.labelled import Counts, labelled_lines
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.reduction import load_reduction
from shelfsort.products.tables.forms import form_of, rows_of
from shelfsort.products.tables.rows import Reading, Row
from shelfsort.products.taxonomy import InvalidTaxonomy, Taxonomy, UnknownLabel
from shelfsort.products.trees.rollup import RollUp

_COUNT_COLUMNS = ("category", "count")
_MERGES_SHOWN = 20
attribute_option = click.option(
    "--label-attribute", default="", help="Attribute that holds the label, if there are several."
)


@click.command(short_help="Count labels on the upper levels of a tree.")
@file_argument
@click.argument("data", metavar="DATA")
@click.option("--depth", type=click.IntRange(min=1), help="Levels below the root to keep.")
@click.option("--to", multiple=True, help="Category to roll up to: id, path or name. Repeatable.")
@click.option("--counts", is_flag=True, help="DATA is a table with the columns category and count.")
@click.option("--output", help="CSV file to write: each product's category before and after.")
@attribute_option
@json_option
def rollup(
    file: str,
    data: str,
    depth: int | None,
    to: tuple[str, ...],
    counts: bool,
    output: str | None,
    label_attribute: str,
    as_json: bool,
) -> None:
    """Count the labels of DATA on the upper levels of the tree in FILE.

    DATA are products in any form that `shelfsort run` takes, or counts by category. Each label
    counts at --depth, or at the nearest category that --to names.

    \b
    Examples:
      shelfsort taxonomy rollup tree.json labelled.manifest --depth 1
      shelfsort taxonomy rollup tree.json products.csv --to Kitchen --to "Garden > Tools"
      shelfsort taxonomy rollup tree.json counts.csv --counts --depth 2 --json
    """
    refuse_inputs(output, file, *find_manifest_files(absolute(data)))
    tree = Taxonomy.load(file)
    up = RollUp(tree, depth, to)
    if counts:
        if output:
            raise InputError("--output: counts name no products. Use --json, or give products.")
        counted = Counts(_counts_of(data, tree))
    else:
        lines = list(labelled_lines(absolute(data), tree, label_attribute))
        counted = Counts().add(lines)
        if output:
            rows = [
                [as_cell(text) for text in (each.id, each.category, up.of(each.category) or "")]
                for each in lines
                if each.category is not None
            ]
            _write_csv(output, ("id", "category", "rolled_up"), rows)
    sums, elsewhere = up.counts(counted.of)
    if as_json:
        records = [{"category": id_, "path": tree.path(id_), "n": n} for id_, n in sums.items()]
        left_out = dict(counted.left_out)
        say_json({"categories": records, "elsewhere": elsewhere, "left_out": left_out})
        return
    width = len(f"{max(sums.values(), default=0):,}")
    say([f"{n:>{width},}  {tree.path(id_)}" for id_, n in sums.items()])
    if elsewhere:
        say([f"{elsewhere:,} below none of these categories"])
    say(_left_out(counted))


@click.command(short_help="Merge leaves, and report what that changes.")
@file_argument
@click.option("--reduction", required=True, help="CSV file (from, to) or JSON of the merges.")
@click.option("--data", help="Labelled products, to say how many each merge is about.")
@click.option("--output", help="JSON file to write: the tree after the merges.")
@attribute_option
@json_option
def reduce(
    file: str,
    reduction: str,
    data: str | None,
    output: str | None,
    label_attribute: str,
    as_json: bool,
) -> None:
    """Merge leaves of a tree, and report what that changes.

    --reduction is the file that `shelfsort run` takes as `data.reduction`: each line merges a leaf
    (from) into another leaf, or into its parent category (to).

    \b
    Examples:
      shelfsort taxonomy reduce tree.json --reduction rules.csv
      shelfsort taxonomy reduce tree.json --reduction rules.csv --data labelled.manifest \\
          --output reduced.json
    """
    products = find_manifest_files(absolute(data)) if data else ()
    refuse_inputs(output, file, reduction, *products)
    tree = Taxonomy.load(file)
    merges = load_reduction(reduction, tree)
    try:
        reduced = tree.reduced(merges)
    except InvalidTaxonomy as error:
        raise InputError(f"{reduction}: {error}") from error
    counted = None
    if data:
        counted = Counts().add(labelled_lines(absolute(data), tree, label_attribute))
    if output:
        write_json(absolute(output), reduced.to_nodes())
    if as_json:
        say_json(_reduction_record(tree, reduced, merges, counted))
    else:
        say(_reduction_lines(tree, reduced, merges, counted))
        say([f"{output}: version {reduced.version}"] if output else [])


def _counts_of(data: str, tree: Taxonomy) -> Counter[str]:
    """Counts by leaf or inner category in a table."""
    sums: Counter[str] = Counter()
    for row in rows_of(data, form_of(data), Reading()):
        where = f"{data}:{row.number}"
        if not isinstance(row, Row) or set(_COUNT_COLUMNS) - set(row.cells):
            raise InputError(f"{where}: no columns category and count. Give a table with both.")
        label, count = (str(row.cells[name]).strip() for name in _COUNT_COLUMNS)
        try:
            number = float(count)
        except ValueError:
            number = -1
        if not (number >= 0 and number.is_integer()):
            raise InputError(f"{where}: the count is {count[:40]!r}. Write a whole number.")
        try:
            sums[tree.named(label)] += int(number)
        except UnknownLabel as error:
            raise InputError(f"{where}: {error}. Use categories of the taxonomy.") from error
    return sums


def _reduction_lines(
    tree: Taxonomy, reduced: Taxonomy, merges: Mapping[str, str], counted: Counts | None
) -> list[str]:
    gone = [id_ for id_ in tree.descending() if id_ not in reduced and id_ not in merges]
    new_leaves = [id_ for id_ in reduced.leaves if not tree.is_leaf(id_)]
    lines = [
        f"{len(tree.leaves):,} leaves become {len(reduced.leaves):,}: {len(merges):,} are merged"
    ]
    for source, target in list(merges.items())[:_MERGES_SHOWN]:
        about = f"  (products: {counted.of[source]:,})" if counted else ""
        lines.append(f"  {tree.path(source)} -> {tree.path(target)}{about}")
    if len(merges) > _MERGES_SHOWN:
        lines.append(f"  and {len(merges) - _MERGES_SHOWN:,} more (--json lists all)")
    if new_leaves:
        lines.append(f"Leaves now: {', '.join(map(tree.path, new_leaves))}")
    if gone:
        lines.append(f"Gone, because they have no leaf left: {', '.join(map(tree.path, gone))}")
    if counted is None:
        return lines
    moved = sum(counted.of[source] for source in merges)
    lines.append(f"{moved:,} of {counted.products:,} labelled products get another label")
    return [*lines, *_left_out(counted)]


def _reduction_record(
    tree: Taxonomy, reduced: Taxonomy, merges: Mapping[str, str], counted: Counts | None
) -> dict[str, object]:
    return {
        "leaves_before": len(tree.leaves),
        "leaves_after": len(reduced.leaves),
        "version": reduced.version,
        "merges": [
            {
                "from": source,
                "to": target,
                **({"products": counted.of[source]} if counted else {}),
            }
            for source, target in merges.items()
        ],
        "new_leaves": [id_ for id_ in reduced.leaves if not tree.is_leaf(id_)],
        "gone": [id_ for id_ in tree.descending() if id_ not in reduced and id_ not in merges],
        **({"left_out": dict(counted.left_out)} if counted else {}),
    }


def _left_out(counted: Counts) -> list[str]:
    return [f"{n:,} x left out: {reason}" for reason, n in counted.left_out.most_common()]


def _write_csv(place: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(absolute(place), text.getvalue())
