"""`shelfsort labels template`: the page on which people label."""

import click

from shelfsort.cli.labels.options import LABEL_STUDIO, fields_option, parse_fields, target_option
from shelfsort.core.errors import InputError
from shelfsort.core.terminal import one_line
from shelfsort.labeling.pages.worker_template import QUESTION
from shelfsort.labeling.pages.written import (
    Words,
    write_ground_truth_template,
    write_label_studio_config,
)


@click.command(short_help="Write the page on which people label.")
@click.argument("taxonomy", metavar="TREE")
@click.option("--output", required=True, metavar="FILE", help="File to write.")
@target_option
@click.option(
    "--guide", default="", metavar="FILE", help="Definitions and example pictures (YAML)."
)
@click.option("--question", default=QUESTION, show_default=True, help="Question above the tree.")
@click.option("--instructions", default="", help="Text below the question.")
@click.option(
    "--tree-files",
    default="",
    metavar="FOLDER",
    help="Folder in S3 for the tree, if it is too large for the template.",
)
@fields_option
def template(
    taxonomy: str,
    output: str,
    target: str,
    guide: str,
    question: str,
    instructions: str,
    tree_files: str,
    fields: tuple[str, ...],
) -> None:
    """Write the page on which people choose a category of a tree.

    For Ground Truth it is a Liquid template. Try it with `shelfsort labels preview`. For Label
    Studio it is the labelling configuration of a project, and --fields names the fields that all
    its tasks have.

    The guide is YAML such as {Shoes > Boots: {about: Cover the ankle., examples: [boot.jpg]}}.

    \b
    Examples:
      shelfsort labels template tree.json --output template.html
      shelfsort labels template tree.json --guide guide.yaml --output template.html
      shelfsort labels template large.json --tree-files s3://shop/tree --output template.html
      shelfsort labels template tree.json --for label-studio --output config.xml
    """
    words = Words(question, instructions, guide)
    if target == LABEL_STUDIO:
        if tree_files:
            raise InputError("--tree-files: only for Ground Truth. Leave it out.")
        written = write_label_studio_config(taxonomy, output, words, parse_fields(*fields))
    else:
        written = write_ground_truth_template(taxonomy, output, words, tree_files)
    click.echo(
        f"{one_line(output)}: {written.categories:,} categories, {written.characters:,} characters"
    )
    if written.note:
        click.echo(written.note)
    if written.files:
        click.echo(f"{one_line(tree_files)}: {written.files:,} files with the lower levels")
