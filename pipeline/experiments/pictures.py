"""The pictures of a run's report, for stores of experiments."""

import base64
import io
from collections.abc import Iterator

from PIL import Image

from components.report_gen.reading import ReadRun
from pipeline.experiments.review import open_review
from pipeline.experiments.runs import Run
from shelfsort.core.errors import InputError
from shelfsort.core.progress import note

_ERRORS = 24


def pictures_of(run: Run) -> dict[str, list[tuple[Image.Image, str]]]:
    """Returns plots and the images of confident errors, each with a caption, by name.

    A run that was not evaluated has none. Plots are left out where Matplotlib is not installed.
    """
    try:
        read = open_review(run, _ERRORS)
    except InputError as error:
        note(f"{run.id}: its pictures are left out. {error}")
        return {}
    named = {"confident errors": list(_errors(read)), **_plots(run, read)}
    return {name: pictures for name, pictures in named.items() if pictures}


def _errors(read: ReadRun) -> Iterator[tuple[Image.Image, str]]:
    paths = read.content.paths
    for error in read.content.errors:
        uri = read.pictures.get(error.product_id)
        if uri:
            image = Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))
            label, predicted = (paths.get(x, x) for x in (error.category, error.predicted))
            yield image, f"{error.product_id}: {label}, predicted {predicted} ({error.score:.3f})"


def _plots(run: Run, read: ReadRun) -> dict[str, list[tuple[Image.Image, str]]]:
    if not read.content.curves:
        return {}
    try:
        from pipeline.experiments.plots import coverage_curves, png
    except ImportError:
        note(f"{run.id}: plots are left out, because Matplotlib is not installed (extra plots).")
        return {}
    plot = Image.open(io.BytesIO(png(coverage_curves(read.content.curves))))
    return {"coverage": [(plot, "coverage and accuracy on eval")]}
