"""The figures of a model's evaluation, in one table: names in `metrics.json`, and labels."""

from dataclasses import dataclass

from shelfsort.contract.targets import TARGETS, accepted, target_key

COUNT, SHARE, SCORE = "count", "share", "score"
"""Kinds: a number of products; a share of products, 0 to 1; any other number."""


def coverage(target: float) -> str:
    """Share of products whose category is accepted at the target."""
    return f"coverage_at_{target_key(target)}"


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


_PERCENT = {target: f"{100 * target:g} %" for target in TARGETS}
# Accuracy against uncertain labels: estimate, its interval, and bounds.
_EXPECTED = ("expected", "expected_lower", "expected_upper", "expected_least", "expected_most")

FIGURES: tuple[Figure, ...] = (
    Figure("n", COUNT, "products"),
    Figure("accuracy", SHARE, "accuracy", ("lower", "upper", "effective", *_EXPECTED)),
    Figure("macro_f1", SCORE, "macro F1"),
    Figure("parent_accuracy", SHARE, "parent accuracy", ("effective",)),
    *(
        Figure(coverage(target), SHARE, f"coverage at {percent}", ("lower", "effective", "oracle"))
        for target, percent in _PERCENT.items()
    ),
    *(
        Figure(parent_coverage(target), SHARE, f"parent coverage at {percent}", ("effective",))
        for target, percent in _PERCENT.items()
    ),
    *(
        Figure(accepted(target), COUNT, f"products accepted at {percent}")
        for target, percent in _PERCENT.items()
    ),
    *(
        Figure(
            accepted_accuracy(target),
            SHARE,
            f"accepted accuracy at {percent}",
            ("lower", "upper", "effective", *_EXPECTED),
        )
        for target, percent in _PERCENT.items()
    ),
    Figure("labels_expected", SHARE, "labels that are right"),
    Figure("ece", SCORE, "calibration error"),
)
NAMES = tuple(name for figure in FIGURES for name in figure.names)
"""All names in a split of `metrics.json`."""
COUNTS = frozenset(figure.name for figure in FIGURES if figure.kind == COUNT)
LABELS = {figure.name: figure.label for figure in FIGURES}
