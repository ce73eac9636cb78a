"""`shelfsort labels import`: answers that other tools export."""

import click

from shelfsort.core.errors import InputError
from shelfsort.core.files import refuse_inputs
from shelfsort.core.storage import is_folder
from shelfsort.core.terminal import one_line
from shelfsort.labeling.import_job import ODDITIES, export_files, write_import
from shelfsort.labeling.joined_exports import read_exports
from shelfsort.products.manifest.label_attributes import find_label_attribute
from shelfsort.products.tables.rows import CATEGORY


@click.command("import", short_help="Make a manifest of another tool's answers.")
@click.argument("exports", metavar="EXPORT...", nargs=-1, required=True)
@click.option("--output", required=True, metavar="FILE", help="Manifest to write.")
@click.option(
    "--products",
    default="",
    metavar="MANIFEST",
    help="Products of the job: a manifest, table or folder of images.",
)
@click.option(
    "--attribute",
    default="",
    show_default=f"{CATEGORY}; with --correct the one that --products has",
    help="Label attribute of the manifest.",
)
@click.option(
    "--correct",
    is_flag=True,
    help="The answers take the place of the labels that --products has.",
)
@click.option(
    "--label-field", default="", help="Field of a Ground Truth answer that holds the label."
)
def import_answers(
    exports: tuple[str, ...],
    output: str,
    products: str,
    attribute: str,
    correct: bool,
    label_field: str,
) -> None:
    """Turn the answers that another tool exports into a manifest with every worker's answer.

    EXPORT is a table with the columns task, worker and label (and perhaps seconds), or only id and
    category, the folder worker-response of Ground Truth, its responses as JSON Lines, Label
    Studio's JSON export, or the answers of `shelfsort label`.
    Several exports are joined: those of k projects that asked k people about the same products.
    Nothing is left out: an answer without a label is kept in full, and counted.
    With --correct, products without an answer keep their label, and so do those that a report's
    marks confirm. Corrected labels are trained on, and are no evidence for thresholds.

    \b
    Examples:
      shelfsort labels import answers.csv --products catalogue.manifest --output labelled.manifest
      shelfsort labels import worker-response --products input.manifest --output labelled.manifest
      shelfsort labels import project-1.json project-2.json --output labelled.manifest
      shelfsort labels import marks.csv --correct --products labelled.csv --output new.manifest
    """
    refuse_inputs(output, *(file for each in exports for file in export_files(each)))
    if correct and (not products or is_folder(products)):
        raise InputError("--correct: name the labelled manifest or table with --products.")
    if correct and not attribute:
        attribute = find_label_attribute((products,), option="--attribute NAME")
    found = read_exports(exports, label_field)
    written = write_import(found, output, attribute or CATEGORY, products, correct=correct)
    click.echo(f"{len(found.entries):,} products, {found.answers:,} answers, empty ones included")
    for name, count in found.counts.items():
        if count:
            click.echo(f"  {name}: {count:,} ({ODDITIES[name]})")
    click.echo(f"Wrote {written:,} lines to {one_line(output)}")
