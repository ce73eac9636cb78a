"""The accuracies that a model's decisions are guaranteed to reach, and what they are called.

A model has one to four targets. It has a threshold of every category, and an output `accepted_…`,
for each of them. The output `answer` goes up the tree by the lowest one.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

DEFAULT_TARGETS = (0.95, 0.98)
"""Targets of a configuration that names none, and of models of versions that knew no others."""

MAX_TARGETS = 4
_ACCEPTED = re.compile(r"accepted_(\d{2}(?:_\d{1,2})?)")


def target_key(target: float) -> str:
    """0.95 -> "95", 0.975 -> "97_5": a target in the names of outputs, metrics and JSON keys."""
    return percent_of(target).replace(".", "_")


def percent_of(target: float) -> str:
    """0.95 -> "95", 0.975 -> "97.5": a target in percent, in sentences and headings."""
    return f"{target * 100:g}"


def target_of(key: str) -> float:
    """The target that `target_key` named.

    Raises:
        ArithmeticError: it is no such name.
    """
    return float(Decimal(key.replace("_", ".")) / 100)


def accepted(target: float) -> str:
    """The output that says whether the predicted category is accepted at a target."""
    return f"accepted_{target_key(target)}"


def parent_accepted(target: float) -> str:
    """The output that says whether the predicted category's parent is accepted at a target."""
    return f"parent_{accepted(target)}"


def targets_among(outputs: Iterable[str]) -> tuple[float, ...]:
    """The targets, rising, of the outputs `accepted_…` among these names."""
    named = filter(None, map(_ACCEPTED.fullmatch, outputs))
    return tuple(sorted({target_of(match.group(1)) for match in named} - {0.0}))


def checked(targets: Sequence[float]) -> tuple[float, ...]:
    """The targets of a configuration, rising.

    Raises:
        ValueError: there are none or more than `MAX_TARGETS`, one is given twice, or one is not
            from 0.5 to below 1 with at most four decimals.
    """
    if not 1 <= len(targets) <= MAX_TARGETS:
        raise ValueError(f"{len(targets)} targets: give one to {MAX_TARGETS}")
    for target in targets:
        if not 0.5 <= target < 1 or round(target, 4) != target:
            raise ValueError(f"{target}: give a share from 0.5 to 0.9999, as 0.95")
    if len(set(targets)) < len(targets):
        raise ValueError("give each target once")
    return tuple(sorted(targets))
