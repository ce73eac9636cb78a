"""Learning curves of `quality.py` as a picture."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator
from quality_figures import spread
from quality_results import by_model, labels_a_leaf, on_curves

_ROWS = {"accuracy": "share wrong", "coverage_0.95": "coverage at 95 %"}
_SHARES_WRONG = (0.05, 0.1, 0.2, 0.3, 0.4, 0.6)
_PIXELS_AN_INCH = 80


def plot(results: Sequence[dict], models: Sequence[str], path: Path) -> None:
    """Draws the share of wrong answers and the coverage by training products, a column a set.

    Args:
        results: lines; those with labels drawn at random are left out, and numbers of labels with
            which a model was measured on fewer splits than with others.
        models: to show; the first ones, whose names start with `ours`, are drawn bold.
        path: of the PNG file.
    """
    own = [each for each in results if each["model"] in models]
    names = on_curves(own)
    figure, grid = plt.subplots(
        len(_ROWS),
        len(names),
        figsize=(4.5 * max(2, len(names)), 7),
        squeeze=False,
        layout="constrained",
    )
    for axes, column in zip(grid.T, names, strict=True):
        shown = [each for each in own if each["set"] == column]
        for place, figure_name in zip(axes, _ROWS, strict=True):
            for model, rows in by_model(shown, models).items():
                _line(place, rows, labels_a_leaf(rows, column), figure_name, models.index(model))
            _dress(place, figure_name)
        axes[0].set_title(column)
        axes[-1].set_xlabel("training products")
    for axes, title in zip(grid[:, 0], _ROWS.values(), strict=True):
        axes.set_ylabel(title)
    shown_once: dict[str, Artist] = {}
    for axes in grid[0]:
        handles, titles = axes.get_legend_handles_labels()
        shown_once |= dict(zip(titles, handles, strict=True))
    figure.legend(
        list(shown_once.values()),
        list(shown_once),
        loc="outside lower center",
        ncols=6,
        frameon=False,
    )
    figure.savefig(path, format="png", dpi=_PIXELS_AN_INCH)
    plt.close(figure)


def _line(
    axes: Axes, rows: Sequence[dict], labels: Sequence[str], column: str, number: int
) -> None:
    by_labels = [[each for each in rows if each["labels"] == one] for one in labels]
    # The mean of fewer splits is of other products.
    by_labels = [some for some in by_labels if len(some) == max(map(len, by_labels))]
    means, deviations = zip(*(spread([e[column] for e in some]) for some in by_labels), strict=True)
    shown = 1 - np.array(means) if column == "accuracy" else np.array(means)
    model = rows[0]["model"]
    bold = model.startswith("ours")
    axes.errorbar(
        [np.mean([each["products"] for each in some]) for some in by_labels],
        shown,
        yerr=deviations,
        label=model,
        color=f"C{number % 10}",
        marker="o" if bold else "s",
        markersize=5 if bold else 3,
        linewidth=2.4 if bold else 1,
        elinewidth=0.8,
        zorder=3 if bold else 2,
    )


def _dress(axes: Axes, column: str) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if column == "accuracy":
        axes.set_yscale("log")
        axes.set_yticks(_SHARES_WRONG, [f"{each:g}" for each in _SHARES_WRONG])
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(-0.02, 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
