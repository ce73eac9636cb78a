"""The figures of a model's evaluation, in one table: names in `metrics.json`, and labels."""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from shelfsort.contract.targets import accepted, percent_of, target_key, target_of

COUNT, SHARE, SCORE = "count", "share", "score"
"""Kinds: a number of products; a share of products, 0 to 1; any other number."""

_COVERAGE = "coverage_at_"
_KEY = re.compile(r"[\d_]+")


def coverage(target: float) -> str:
    """Share of products whose category is accepted at the target."""
    return f"{_COVERAGE}{target_key(target)}"


def parent_coverage(target: float) -> str:
    """Share of products whose category's parent is accepted at the target."""
    return f"parent_{coverage(target)}"


def accepted_accuracy(target: float) -> str:
    """Share of right ones among the products accepted at the target."""
    return f"accepted_accuracy_{target_key(target)}"


@dataclass(frozen=True)
class Figure:
    """One figure of a modality on a split.

    Attributes:
        name: in `metrics.json`.
        kind: `COUNT`, `SHARE` or `SCORE`.
        label: in a table.
        parts: what further names end in: bounds, effective sample size and the like.
    """

    name: str
    kind: str
    label: str
    parts: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The name, and those of the parts."""
        return (self.name, *(f"{self.name}_{part}" for part in self.parts))


# Accuracy against uncertain labels: estimate, its interval, and bounds.
_EXPECTED = ("expected", "expected_lower", "expected_upper", "expected_least", "expected_most")


@functools.cache
def figures(targets: tuple[float, ...]) -> tuple[Figure, ...]:
    """All figures of a model with these targets, in the order of `metrics.json`."""
    percent = {target: f"{percent_of(target)} %" for target in targets}
    return (
        Figure("n", COUNT, "products"),
        Figure("accuracy", SHARE, "accuracy", ("lower", "upper", "effective", *_EXPECTED)),
        Figure("macro_f1", SCORE, "macro F1"),
        Figure("parent_accuracy", SHARE, "parent accuracy", ("effective",)),
        *(
            Figure(
                coverage(target),
                SHARE,
                f"coverage at {percent[target]}",
                ("lower", "effective", "oracle"),
            )
            for target in targets
        ),
        *(
            Figure(
                parent_coverage(target),
                SHARE,
                f"parent coverage at {percent[target]}",
                ("effective",),
            )
            for target in targets
        ),
        *(
            Figure(accepted(target), COUNT, f"products accepted at {percent[target]}")
            for target in targets
        ),
        *(
            Figure(
                accepted_accuracy(target),
                SHARE,
                f"accepted accuracy at {percent[target]}",
                ("lower", "upper", "effective", *_EXPECTED),
            )
            for target in targets
        ),
        Figure("labels_expected", SHARE, "labels that are right"),
        Figure("ece", SCORE, "calibration error"),
    )


def targets_of(names: Iterable[str]) -> tuple[float, ...]:
    """The targets, rising, that there is a coverage at among these names of figures."""
    keys = [name.removeprefix(_COVERAGE) for name in names if name.startswith(_COVERAGE)]
    return tuple(sorted(target_of(key) for key in keys if _KEY.fullmatch(key)))


def labels(targets: tuple[float, ...]) -> dict[str, str]:
    """The label of each figure in a table, by its name."""
    return {figure.name: figure.label for figure in figures(targets)}
