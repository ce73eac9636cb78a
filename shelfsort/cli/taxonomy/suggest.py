"""`shelfsort taxonomy suggest`: categories that are confused, and what merging them would gain."""

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from shelfsort.cli.taxonomy.labels import attribute_option
from shelfsort.cli.taxonomy.tree import file_argument, json_option, say, say_json
from shelfsort.core.errors import InputError
from shelfsort.core.files import refuse_inputs, write_text
from shelfsort.core.storage import absolute
from shelfsort.labeling.trees.labelled import labelled_lines
from shelfsort.labeling.trees.predictions import MODES, SPLITS, find_predictions, read_predictions
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.taxonomy import Taxonomy

if TYPE_CHECKING:
    from shelfsort.labeling.trees.confusion import Confusion, Pair

split_option = click.option(
    "--split",
    type=click.Choice(SPLITS),
    default="eval",
    show_default=True,
    help="Products of the run to compare.",
)
mode_option = click.option(
    "--mode",
    type=click.Choice(MODES),
    default="combined",
    show_default=True,
    help="What the model saw of a product.",
)


@click.command(short_help="List pairs that are confused, and what merging would gain.")
@file_argument
@click.option("--data", help="Manifest with several answers a product: what workers confuse.")
@click.option("--run", help="Output folder of a run, or its predictions.parquet: what it confuses.")
@split_option
@mode_option
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Pairs to list."
)
@click.option(
    "--min-confused",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Leave out pairs with fewer confused products.",
)
@click.option("--output", help="CSV file to write: the merges as a reduction to review.")
@attribute_option
@json_option
def suggest(
    file: str,
    data: str | None,
    run: str | None,
    split: str,
    mode: str,
    limit: int,
    min_confused: int,
    output: str | None,
    label_attribute: str,
    as_json: bool,
) -> None:
    """List the pairs of categories that workers or a model confuse, and what merging would gain.

    For workers the gain is the number of products that would get a majority; for a model, the
    number that would be right. Brackets show exact 95 % intervals of the share of confused
    products, each for its pair alone: of many pairs the first is partly first by chance.

    \b
    Examples:
      shelfsort taxonomy suggest tree.json --data labelled.manifest
      shelfsort taxonomy suggest tree.json --run out --output rules.csv
    """
    if (data is None) == (run is None):
        raise InputError(
            "give --data for what workers confuse, or --run for what a model confuses."
        )
    try:
        from shelfsort.labeling.trees import confusion
    except ModuleNotFoundError as missing:
        raise InputError(
            f"needs the package {missing.name!r}. Run: pip install 'shelfsort[labels]'"
        ) from missing
    refuse_inputs(output, file, *(find_manifest_files(absolute(data)) if data else ()))
    tree = Taxonomy.load(file)
    if data is not None:
        answers = (each.answers for each in labelled_lines(absolute(data), tree, label_attribute))
        found = confusion.confused_by_workers(answers)
    else:
        place = find_predictions(absolute(str(run)))
        refuse_inputs(output, place)
        found = confusion.confused_by_model(
            (each.label, each.predicted, each.group)
            for each in read_predictions(place, split, mode)
            if each.label in tree and each.predicted in tree
        )
    if not found.products:
        raise InputError(
            f"{data or run}: no product to compare. Give products with two answers or more, or a "
            "run with predictions of this tree."
        )
    pairs = [each for each in found.pairs if each.confused >= min_confused][:limit]
    if output:
        _write_rules(output, confusion.reduction_of(pairs))
    if as_json:
        say_json(_record(found, pairs, tree))
    else:
        say(_lines(found, pairs, tree, of_workers=data is not None))
        say([f"{output}: merges to review, for --reduction"] if output else [])


def _lines(
    found: "Confusion", pairs: Sequence["Pair"], tree: Taxonomy, of_workers: bool
) -> list[str]:
    settled = "have a majority" if of_workers else "are predicted right"
    gains = "would get one" if of_workers else "would be right"
    lines = [
        f"{found.products:,} products compared; {found.settled:,} ({_percent(found, 0)}) {settled}"
    ]
    for each in pairs:
        siblings = tree.parent(each.source) == tree.parent(each.target)
        lines += [
            f"{tree.path(each.source)} -> {tree.path(each.target)}",
            f"  {each.confused:,} of {each.n:,} confused: {each.share:.1%} "
            f"[{each.low:.1%} to {each.high:.1%}]{'' if siblings else '; no siblings'}",
            f"  merged: {each.gain:,} more {gains} ({_percent(found, each.gain)} in all)",
        ]
    left = len(found.pairs) - len(pairs)
    return [*lines, f"{left:,} more pairs"] if left else lines


def _percent(found: "Confusion", gain: int) -> str:
    return f"{(found.settled + gain) / found.products:.1%}"


def _record(found: "Confusion", pairs: Sequence["Pair"], tree: Taxonomy) -> dict[str, object]:
    return {
        "products": found.products,
        "settled": found.settled,
        "pairs_in_all": len(found.pairs),
        "pairs": [
            {
                "from": each.source,
                "to": each.target,
                "from_path": tree.path(each.source),
                "to_path": tree.path(each.target),
                "confused": each.confused,
                "n": each.n,
                "share": each.share,
                "low": each.low,
                "high": each.high,
                "gain": each.gain,
            }
            for each in pairs
        ],
    }


def _write_rules(place: str, merges: dict[str, str]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["from", "to"])
    writer.writerows(merges.items())
    write_text(absolute(place), text.getvalue())
