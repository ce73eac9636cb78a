"""`shelfsort labels manifest`: the products that people are to label."""

from collections.abc import Sequence

import click

from shelfsort.cli.labels.options import (
    LABEL_STUDIO,
    fields_option,
    parse_fields,
    target_option,
)
from shelfsort.core.errors import InputError
from shelfsort.core.terminal import one_line
from shelfsort.labeling.jobs.chosen_ids import read_chosen
from shelfsort.labeling.jobs.task_images import TaskImages
from shelfsort.labeling.jobs.tasks import Tasks, Wanted, meaning
from shelfsort.labeling.jobs.written import write_input_manifest, write_label_studio_tasks
from shelfsort.products.tables.columns import parse_columns
from shelfsort.products.tables.rows import Reading


@click.command(short_help="Write the products that people are to label.")
@click.argument("data", metavar="DATA")
@click.option("--output", required=True, metavar="FILE", help="File to write; no file is replaced.")
@target_option
@click.option("--only", default="", metavar="FILE", help="Ids of the products to label.")
@fields_option
@click.option(
    "--copies",
    type=click.IntRange(1, 9),
    default=1,
    show_default=True,
    help="Projects of Label Studio, each with every product.",
)
@click.option("--copy-images", default="", metavar="FOLDER", help="Folder to copy images to.")
@click.option("--image-url", default="", metavar="URL", help="Put before relative image names.")
@click.option(
    "--columns",
    multiple=True,
    metavar="FIELD=COLUMN,...",
    help="Columns of a table that are not recognised. Repeatable.",
)
@click.option("--public", is_flag=True, help="Strangers will see the products.")
@click.option(
    "--no-personal-data", is_flag=True, help="Confirm that texts and images show no personal data."
)
def manifest(
    data: str,
    output: str,
    target: str,
    only: str,
    fields: tuple[str, ...],
    copies: int,
    copy_images: str,
    image_url: str,
    columns: tuple[str, ...],
    public: bool,
    no_personal_data: bool,
) -> None:
    """Write the products that people are to label, with the chosen fields only.

    DATA is a catalogue (table, manifest or folder of images), a review queue, or what `shelfsort
    labels next` wrote. --only takes a list: text with an id on each line, or a table or JSON Lines
    with the column id. Labels and gold are left out.

    Ground Truth reads images from S3 only, so --copy-images s3://… copies them there. Label Studio
    asks one person about each task of a project. --copies 3 writes three files for three projects,
    to be labelled by different people, and `shelfsort labels import` joins their exports.

    \b
    Examples:
      shelfsort labels manifest products.csv --output input.manifest
      shelfsort labels manifest photos --copy-images s3://shop/photos --output input.manifest
      shelfsort labels manifest products.csv --only next.txt --output input.manifest
      shelfsort labels manifest products.csv --for label-studio --copies 3 --output tasks.json
    """
    if copy_images and image_url:
        raise InputError("--image-url: is for images that stay where they are. Leave out one.")
    if copies > 1 and target != LABEL_STUDIO:
        raise InputError("--copies: a Ground Truth job has a number of workers. Leave it out.")
    wanted = Wanted(
        data,
        parse_fields(*fields),
        read_chosen(only) if only else None,
        public,
        Reading(columns=parse_columns(*columns)),
    )
    if public and not no_personal_data:
        click.confirm(
            f"Do the fields {', '.join(wanted.fields)} show no names, addresses or faces?",
            abort=True,
        )
    tasks = Tasks(wanted, TaskImages(copy_images, image_url))
    if target == LABEL_STUDIO:
        files: Sequence[str] = write_label_studio_tasks(tasks, output, copies)
        click.echo("\n".join(map(one_line, files)))
    else:
        click.echo(f"{one_line(output)}: {write_input_manifest(tasks, output):,} lines")
    for line in _notes(tasks):
        click.echo(f"  {line}", err=True)


def _notes(tasks: Tasks) -> list[str]:
    notes = [f"{name}: {count:,} ({meaning(name)})" for name, count in tasks.counts.items()]
    if tasks.missing:
        shown = ", ".join(map(one_line, tasks.missing[:3]))
        notes.append(f"not in the data: {len(tasks.missing):,} chosen ids, such as {shown}")
    if tasks.images.copies:
        notes.append(f"images copied: {len(tasks.images.copies):,}")
    if tasks.local_images:
        notes.append(
            f"images on this machine: {tasks.local_images:,}. A labelling service cannot read "
            "them. Give --copy-images."
        )
    if tasks.path_ids:
        notes.append(
            f"ids that are paths: {tasks.path_ids:,}. Workers can read them, and image addresses "
            "too: if folders or files name the category, rename them and give ids of your own."
        )
    return notes
