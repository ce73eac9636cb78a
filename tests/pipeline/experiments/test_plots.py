"""The notebook's plots show the numbers that they were given."""

import numpy as np
import pytest

from components.evaluator.artifact import CategoryFigures
from components.report_gen.confident_errors import ModelError
from components.report_gen.confusion import SiblingMatrix
from components.report_gen.curve import coverage_curve
from pipeline.experiments import plots as plots
from pipeline.experiments.results import ACCURACY, Results, paired

PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def texts(axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_the_curve_ends_at_the_accuracy_of_everything():
    correct = np.array([True, True, False, True])
    decided = {"95": np.array([True, True, False, False]), "98": np.zeros(4, bool)}
    scores, groups = np.array([0.9, 0.8, 0.7, 0.6]), np.arange(4)
    curve = coverage_curve(scores, correct, groups, decided)
    (axes,) = plots.coverage_curves({"combined": {"category": curve}}).axes
    line, ring = axes.get_lines()
    assert (line.get_xdata()[-1], line.get_ydata()[-1]) == (1.0, 0.75)
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (0.5, 1.0)


def test_categories_are_the_ones_with_the_lowest_bounds_worst_on_top():
    categories = [
        CategoryFigures(
            name,
            name,
            "",
            {
                "accepted_95": 9,
                "accepted_accuracy_95": None if low is None else low + 0.1,
                "accepted_accuracy_95_lower": low,
                "accepted_accuracy_95_upper": 1.0,
            },
        )
        for name, low in (("a", 0.8), ("b", 0.2), ("c", None), ("d", 0.5))
    ]
    (axes,) = plots.category_bounds(categories, shown=2).axes
    assert texts(axes) == ["d  (9)", "b  (9)"]
    assert list(axes.get_lines()[0].get_xdata()) == [0.5, 1.0]


def test_the_matrix_of_siblings_writes_every_count():
    matrix = SiblingMatrix("bags", ["x", "y"], [[5, 2], [0, 7]], [0, 0], 0, 2)
    paths = {"bags": "Bags", "x": "Bags > X", "y": "Bags > Y"}
    (axes,) = plots.siblings([matrix], paths).axes
    assert [each.get_text() for each in axes.texts] == ["5", "2", "7"]
    assert texts(axes) == ["X", "Y"]
    (nothing,) = plots.siblings([], paths).axes
    assert nothing.get_title() == "No siblings are confused"


@pytest.mark.parametrize("count", [0, 1, 5])
def test_errors_are_drawn_with_and_without_a_picture(count):
    errors = [
        ModelError(f"p{i}", "Bag for $5 or $6", "x", "y", 0.9, True, "", "", None)
        for i in range(count)
    ]
    figure = plots.error_gallery(errors, {"p0": PIXEL}, {"x": "Bags > X"})
    figure.draw_without_rendering()
    assert sum(bool(axes.images) for axes in figure.axes) == min(count, 1)
    assert sum("label X" in axes.get_title() for axes in figure.axes) == count


def test_differences_count_products_of_one_run_only_and_mark_what_is_no_chance():
    results = Results(
        shared=4,
        eval_a=4,
        eval_b=4,
        relabelled=0,
        left_out=0,
        overall=[paired("text", "accuracy", [True, False, False], [False, True, True], [1, 2, 3])],
        categories=[],
    )
    (axes,) = plots.differences(results).axes
    assert [bar.get_width() for bar in axes.patches] == [-1, 2]
    assert texts(axes) == [f"text, {ACCURACY['accuracy']}"]
