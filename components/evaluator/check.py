"""One question that the gate asked, and its answer."""

from dataclasses import dataclass

NAMED = 5
"""So many are named where more could be."""


@dataclass(frozen=True)
class Check:
    """One question the gate asked.

    Attributes:
        name: stable snake_case name.
        passed: the answer.
        reason: one sentence with the numbers.
        value: what was measured; None where that is not one number.
        floor: what it had to reach; None where that is not one number.
        n: products it was measured on.
    """

    name: str
    passed: bool
    reason: str
    value: float | None = None
    floor: float | None = None
    n: int | None = None


def missing(name: str, what: str, floor: float | None) -> Check:
    """A check that fails for want of `what`."""
    return Check(
        name,
        False,
        f"There is no number for: {what}. Nothing shown, nothing passed.",
        None,
        floor,
        0,
    )


def percent(share: float) -> str:
    """0.953 -> "95.3 %"."""
    return f"{100 * share:.1f} %"
