"""Words that the gate's checks share."""

from collections.abc import Sequence

from components.check import Check

_LISTED = 5
"""Number of items that a sentence names before it counts the rest."""


def missing(name: str, what: str, floor: float | None) -> Check:
    """A check that fails because there is no figure for `what`."""
    reason = f"There is no figure for {what}, so the check fails."
    return Check(name, passed=False, reason=reason, floor=floor, n=0)


def percent(share: float | None) -> str:
    """0.953 -> "95.3 %"; "–" for None."""
    if share is None:
        return "–"
    return f"{100 * share:.1f} %"


def listed(items: Sequence[str]) -> str:
    """The first five items, and the number of further ones."""
    more = len(items) - _LISTED
    return "; ".join([*items[:_LISTED], *([f"and {more:,} more"] if more > 0 else [])])
