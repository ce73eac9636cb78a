"""The accuracies that a model's decisions are guaranteed to reach, and what they are called."""

from decimal import Decimal

TARGETS = (0.95, 0.98)
"""Rising. A model has a threshold of every category, and an output `accepted_…`, for each."""

ANSWER_TARGET = TARGETS[0]
"""The target by which the output `answer` goes up the tree."""


def target_key(target: float) -> str:
    """0.95 -> "95", 0.975 -> "97_5": a target in the names of outputs, metrics and JSON keys."""
    return f"{target * 100:g}".replace(".", "_")


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
