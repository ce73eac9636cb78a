"""Writes the products of a labelling job, never over what is there."""

import posixpath
from collections.abc import Sequence
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.files import write_bytes
from shelfsort.core.storage import absolute, exists
from shelfsort.labeling.jobs.tasks import Tasks, label_studio_tasks, tasks_json
from shelfsort.products.manifest.writing import write_manifest


def write_input_manifest(tasks: Tasks, place: str) -> int:
    """Writes the input of a Ground Truth job; returns the number of lines.

    Raises:
        InputError: something has that name, the data cannot be read or has no product.
    """
    refuse_existing(place)
    lines = _some(tasks)
    tasks.images.copy()
    return write_manifest(absolute(place), lines)


def write_label_studio_tasks(tasks: Tasks, place: str, copies: int) -> list[str]:
    """Writes the tasks of Label Studio, a file for each of the `copies` projects.

    Returns:
        The files. Every file has every product, so k projects give k answers.

    Raises:
        InputError: as `write_input_manifest`.
    """
    places = project_files(place, copies)
    for each in places:
        refuse_existing(each)
    content = tasks_json(label_studio_tasks(_some(tasks), tasks.wanted.fields))
    tasks.images.copy()
    for each in places:
        write_bytes(absolute(each), content)
    return places


def project_files(place: str, copies: int) -> list[str]:
    """`tasks.json`, or `tasks-1.json` to `tasks-k.json`."""
    stem, suffix = posixpath.splitext(place)
    return [place] if copies == 1 else [f"{stem}-{n}{suffix}" for n in range(1, copies + 1)]


def refuse_existing(place: str) -> None:
    """Raises InputError where a file or folder has that name: a job may depend on it."""
    if exists(absolute(place)):
        raise InputError(f"{place}: is there already. Choose another name.")


def _some(tasks: Tasks) -> Sequence[dict[str, Any]]:
    lines = list(tasks.lines())
    if not lines:
        left_out = ", ".join(f"{name}: {count:,}" for name, count in tasks.counts.items())
        raise InputError(
            f"{tasks.wanted.data}: no product is left ({left_out}). Choose other products "
            "or fields."
        )
    return lines
