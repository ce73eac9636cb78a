"""`shelfsort taxonomy draw`: a tree as a page."""

import posixpath

import click

from shelfsort.cli.taxonomy.labels import attribute_option
from shelfsort.cli.taxonomy.suggest import mode_option, split_option
from shelfsort.cli.taxonomy.tree import file_argument, say
from shelfsort.core.errors import InputError
from shelfsort.core.files import refuse_inputs, write_bytes
from shelfsort.core.storage import absolute
from shelfsort.labeling.trees.labelled import Counts, labelled_lines
from shelfsort.labeling.trees.predictions import find_predictions, read_predictions
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.taxonomy import Taxonomy


@click.command(short_help="Draw a tree as a page, with counts and accuracy.")
@file_argument
@click.option("--output", required=True, help="HTML file to write.")
@click.option("--data", help="Labelled products in any form, to count by category.")
@click.option("--run", help="Output folder of a run, or its predictions.parquet, for accuracy.")
@split_option
@mode_option
@attribute_option
def draw(
    file: str,
    output: str,
    data: str | None,
    run: str | None,
    split: str,
    mode: str,
    label_attribute: str,
) -> None:
    """Draw a tree as one HTML file, to open, search and sort in a browser.

    With --data each category shows how many labelled products it has, with --run how accurate the
    model is on it. The file needs no network.

    \b
    Examples:
      shelfsort taxonomy draw tree.json --output tree.html
      shelfsort taxonomy draw tree.json --data labelled.manifest --run out --output tree.html
    """
    try:
        from shelfsort.labeling.trees.drawing import accuracies, page
    except ModuleNotFoundError as missing:
        raise InputError(
            f"needs the package {missing.name!r}. Run: pip install 'shelfsort[labels]'"
        ) from missing
    refuse_inputs(output, file, *(find_manifest_files(absolute(data)) if data else ()))
    tree = Taxonomy.load(file)
    counts = None
    if data is not None:
        counts = Counts().add(labelled_lines(absolute(data), tree, label_attribute))
    accuracy = None
    if run is not None:
        place = find_predictions(absolute(run))
        refuse_inputs(output, place)
        accuracy = accuracies(tree, read_predictions(place, split, mode))
        if not accuracy:
            raise InputError(
                f"{run}: no prediction on {split} of a category of this tree. Give the tree of "
                "the run, or another --split or --mode."
            )
    write_bytes(absolute(output), page(tree, posixpath.basename(file), counts, accuracy))
    say([f"{output}: {len(tree) - 1:,} categories"])
