"""Words that the gate's checks share."""

from components.check import Check

NAMED = 5
"""So many are named where more could be."""


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
