"""The report's figures as plots of a notebook. Needs matplotlib, which the test tools bring."""

import base64
import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from components.evaluator.artifact import CategoryFigures
from components.report_gen.confident_errors import ModelError
from components.report_gen.confusion import SiblingMatrix
from components.report_gen.curve import Curve
from pipeline.experiments.results import Results
from shelfsort.contract.figures import accepted_accuracy
from shelfsort.contract.targets import DEFAULT_TARGETS, accepted, percent_of

_COLOURS = {"combined": "#1d5c87", "text": "#b0552a", "image": "#5b7f3a"}
_BAD = "#ad2a1f"


def coverage_curves(curves: Mapping[str, Mapping[str, Curve]], level: str = "category") -> Figure:
    """Accuracy of what is decided against the share that is, with the exact lower bound.

    Args:
        curves: `ReportContent.curves`.
        level: `category` or `parent`.
    """
    figure, axes = _figure(9, 4.5)
    lowest = 1.0
    for mode, levels in curves.items():
        curve = levels[level]
        # The first point accepts nothing: it has no accuracy.
        accepted, wrong = (np.array(each[1:], float) for each in (curve.accepted, curve.wrong))
        share = accepted / max(curve.n, 1)
        colour, right = _COLOURS[mode], 1 - wrong / accepted
        # Where little is decided the bounds reach far down: the axis follows the line instead.
        lowest = min(lowest, *right[len(right) // 20 :])
        axes.plot(share, right, color=colour, label=mode)
        axes.fill_between(share, curve.lower[1:], right, color=colour, alpha=0.12)
        for mark in (each for each in curve.marks if each.accepted):
            point = (mark.accepted / curve.n, 1 - mark.wrong / mark.accepted)
            axes.plot(*point, "o", color=colour, markerfacecolor="white")
            axes.annotate(f" {mark.target} %", point, color=colour)
    axes.set(xlabel="coverage", ylabel="accuracy of accepted predictions")
    axes.set(xlim=(0, 1.02), title=f"Coverage and accuracy, {level}")
    axes.set_ylim(min(lowest, 0.9) - 0.05, 1.01)
    axes.legend(title="given", frameon=False, loc="lower left")
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG file, 100 pixels an inch; the figure is closed."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    plt.close(figure)
    return buffer.getvalue()


def category_bounds(
    categories: Sequence[CategoryFigures], shown: int = 20, target: float = DEFAULT_TARGETS[0]
) -> Figure:
    """Right ones among what is put into each category, with exact bounds; the worst ones.

    Args:
        categories: an evaluation's.
        shown: how many, those with the lowest lower bound.
        target: of the model, such as its lowest.
    """
    name = accepted_accuracy(target)
    bounds = [
        (low, value, high, f"{each.path}  ({each.figures[accepted(target)]:,})")
        for each in categories
        for value, low, high in [[each.figures[f"{name}{end}"] for end in ("", "_lower", "_upper")]]
        if value is not None and low is not None and high is not None
    ]
    worst = sorted(bounds, key=lambda each: each[0])[:shown][::-1]
    figure, axes = _figure(9, 1 + 0.3 * max(len(worst), 1))
    for place, (low, value, high, _) in enumerate(worst):
        axes.plot([low, high], [place, place], color=_COLOURS["combined"])
        axes.plot(value, place, "o", color=_COLOURS["combined"])
    axes.axvline(target, color=_BAD, linestyle=":", linewidth=1)
    axes.set_yticks(range(len(worst)), [label for *_, label in worst])
    axes.set(
        xlabel=f"precision at {percent_of(target)} %",
        title="Categories with the lowest lower bounds",
    )
    return figure


def siblings(matrices: Sequence[SiblingMatrix], paths: Mapping[str, str], shown: int = 2) -> Figure:
    """Which children of a category are taken for which: rows are labels, columns answers.

    Args:
        matrices: `ReportContent.siblings`, the worst parents first.
        paths: `ReportContent.paths`.
        shown: how many parents, side by side.
    """
    chosen = matrices[:shown]
    size = max((len(each.children) for each in chosen), default=1)
    panels = max(len(chosen), 1)
    figure, grid = plt.subplots(
        1, panels, figsize=((2.5 + 0.5 * size) * panels, 1.5 + 0.5 * size), layout="constrained"
    )
    plt.close(figure)
    for axes, matrix in zip(np.ravel(grid), chosen, strict=False):
        _draw_matrix(axes, matrix, paths)
    if not chosen:
        np.ravel(grid)[0].set(title="No siblings are confused", xticks=[], yticks=[])
    return figure


def error_gallery(
    errors: Sequence[ModelError],
    pictures: Mapping[str, str],
    paths: Mapping[str, str],
    shown: int = 12,
    columns: int = 4,
) -> Figure:
    """The most confident errors with their pictures.

    Args:
        errors: of `ReportContent.errors`, the first ones are shown.
        pictures: data URIs by product id.
        paths: `ReportContent.paths`.
        shown: how many.
        columns: how many side by side.
    """
    chosen = list(errors[:shown])
    rows = max(1, -(-len(chosen) // columns))
    figure, grid = plt.subplots(rows, columns, figsize=(12, 3 * rows), layout="constrained")
    plt.close(figure)
    cells = np.ravel(grid)
    for cell in cells:
        cell.axis("off")
    for cell, error in zip(cells, chosen, strict=False):
        _draw_error(cell, error, pictures.get(error.product_id), paths)
    return figure


def differences(results: Results) -> Figure:
    """Products that only one of two runs gets right or accepts, by modality and question.

    A star marks a significant difference (see `pipeline.experiments.results`).
    """
    pairs = [each for each in results.overall if each.paired][::-1]
    figure, axes = _figure(9, 1 + 0.35 * max(len(pairs), 1))
    places = range(len(pairs))
    axes.barh(places, [-(each.only_a or 0) for each in pairs], color=_BAD, label="only A")
    axes.barh(places, [each.only_b or 0 for each in pairs], color=_COLOURS["image"], label="only B")
    axes.axvline(0, color="black", linewidth=0.8)
    names = [f"{each.name}, {each.asked}{' *' if each.beyond_chance else ''}" for each in pairs]
    axes.set_yticks(places, names)
    axes.set(xlabel=f"products of {results.shared:,} shared", title="Differences between the runs")
    axes.legend(frameon=False)
    return figure


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure that is shown where it is the value of a cell, and not a second time."""
    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    plt.close(figure)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _draw_error(
    cell: Axes, error: ModelError, picture: str | None, paths: Mapping[str, str]
) -> None:
    label, predicted = (
        paths.get(name, name).split(" > ")[-1] for name in (error.category, error.predicted)
    )
    if picture:
        with Image.open(io.BytesIO(base64.b64decode(picture.split(",", 1)[1]))) as image:
            cell.imshow(np.asarray(image))
    # A $ in a title is no formula.
    title = (error.title or error.product_id)[:34].replace("$", r"\$")
    cell.set_title(
        f"{title}\nlabel {label[:26]}\nmodel {predicted[:26]}, {error.score:.3f}", fontsize=9
    )


def _draw_matrix(axes: Axes, matrix: SiblingMatrix, paths: Mapping[str, str]) -> None:
    counts = np.array(matrix.counts)
    names = [paths.get(child, child).split(" > ")[-1][:20] for child in matrix.children]
    wrong = np.where(np.eye(len(names), dtype=bool), 0, counts)
    # Twice the maximum: the darkest cell stays light enough to read its number.
    axes.imshow(wrong, cmap="Reds", vmin=0, vmax=2 * max(1, wrong.max()))
    for row, column in np.argwhere(counts > 0):
        axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center")
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(title=paths.get(matrix.parent, matrix.parent), xlabel="model", ylabel="label")
