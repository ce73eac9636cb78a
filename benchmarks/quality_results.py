"""Lines of results, and the tables of `quality.py`: in Markdown, means over splits."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from quality_figures import TARGETS, spread
from quality_problems import ALL_LABELS

_SPREAD = ("accuracy", "coverage_0.95", "coverage_0.98")
COLUMNS = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "parent_accuracy": "parent",
    "hierarchical_precision": "h. precision",
    "hierarchical_recall": "h. recall",
    "ece": "ECE",
    "coverage_0.95": "coverage 95 %",
    "right_0.95": "right",
    "coverage_0.98": "coverage 98 %",
    "right_0.98": "right",
    "naive_coverage_0.98": "naive 98 %",
    "naive_right_0.98": "right",
    "cpu_seconds": "CPU s",
    "bytes": "MB",
}
_CURVES = {"accuracy": "accuracy"} | {
    f"coverage_{t:.2f}": f"coverage {t * 100:.0f} %" for t in TARGETS
}


def add_result(path: Path, result: dict) -> None:
    """Appends a line. Its end comes first, for a kill may have cut off the line before."""
    with path.open("a") as stream:
        stream.write("\n" + json.dumps(result))


def read_results(path: Path) -> list[dict]:
    """The lines of a file of results; a line that a kill cut off is left out."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def tables(results: Sequence[dict], order: Sequence[str]) -> list[str]:
    """A table for each set and number of labels: means over splits ± standard deviations.

    Args:
        results: lines.
        order: models in the order of rows; others come last.
    """
    lines = []
    for name in dict.fromkeys(each["set"] for each in results):
        for labels in labels_of(results, name):
            own = [each for each in results if (each["set"], each["labels"]) == (name, labels)]
            sizes = (_rounded(own, key) for key in ("products", "unseen"))
            lines += ["**{}, {}** ({} products, {} unseen)".format(name, labels, *sizes), ""]
            lines += _header(["model (splits)", *COLUMNS.values()])
            lines += [
                _row([f"{model} ({len(rows)})", *(_cell(column, rows) for column in COLUMNS)])
                for model, rows in by_model(own, order).items()
            ]
            lines.append("")
    return lines


def curves(results: Sequence[dict], order: Sequence[str]) -> list[str]:
    """For each set a table of accuracy and one of each coverage, by labels a leaf."""
    lines = []
    for name in on_curves(results):
        own = [each for each in results if each["set"] == name]
        labels = labels_a_leaf(own, name)
        counts = [_rounded([e for e in own if e["labels"] == each], "products") for each in labels]
        heads = [f"{each} ({count})" for each, count in zip(labels, counts, strict=True)]
        splits = len({each["seed"] for each in own})
        for column, title in _CURVES.items():
            about = f"by labels a leaf (products), {splits} splits (or fewer)"
            lines += [f"**{name}, {title}**, {about}", ""]
            lines += _header(["model", *heads])
            for model, rows in by_model(own, order).items():
                some = [[each for each in rows if each["labels"] == n] for n in labels]
                cells = [_cell_of(column, each, splits) if each else "-" for each in some]
                lines.append(_row([model, *cells]))
            lines.append("")
    return lines


def labels_of(results: Sequence[dict], name: str) -> list[str]:
    """The numbers of labels that a set was measured with: the fewest a leaf first, all last."""
    found = {each["labels"] for each in results if each["set"] == name}
    return sorted(found, key=lambda each: (each == ALL_LABELS, each.zfill(12)))


def labels_a_leaf(results: Sequence[dict], name: str) -> list[str]:
    """The same without those drawn at random."""
    return [each for each in labels_of(results, name) if " " not in each]


def on_curves(results: Sequence[dict]) -> list[str]:
    """The sets that were measured with several numbers of labels a leaf."""
    names = dict.fromkeys(each["set"] for each in results)
    return [name for name in names if len(labels_a_leaf(results, name)) > 1]


def by_model(results: Sequence[dict], order: Sequence[str]) -> Mapping[str, list[dict]]:
    """The results of each model, in this order; others come last."""
    found = {model: [each for each in results if each["model"] == model] for model in order}
    for each in results:
        if each["model"] not in order:
            found.setdefault(each["model"], []).append(each)
    return {model: own for model, own in found.items() if own}


def _cell_of(column: str, rows: Sequence[dict], splits: int) -> str:
    return _cell(column, rows) + (f" ({len(rows)})" if len(rows) < splits else "")


def _cell(column: str, rows: Sequence[dict]) -> str:
    values = [each[column] for each in rows]
    prefix, is_right, target = column.partition("right_")
    if is_right:
        coverage = f"{prefix}coverage_{target}"
        values = [each[column] for each in rows if each[coverage] > 0]
        return f"{np.mean(values):.3f}" if values else "-"
    mean, deviation = spread(values)
    if column == "bytes":
        return f"{mean / 1e6:.1f}"
    if column == "cpu_seconds":
        return f"{mean:.0f}"
    return f"{mean:.3f}" + (f" ± {deviation:.3f}" if column in _SPREAD and len(rows) > 1 else "")


def _rounded(rows: Sequence[dict], column: str) -> str:
    return f"{round(np.mean([each[column] for each in rows])):,}"


def _header(cells: Sequence[str]) -> list[str]:
    return [_row(cells), "|" + "---|" * len(cells)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
