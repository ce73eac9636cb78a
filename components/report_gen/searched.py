"""The trials of a search of settings, as the page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from components.tuner.artifact import Search, TrialRecord

MOST_TRIALS = 12
_WIDTH, _HEIGHT, _MARGIN = 640, 160, 12


@dataclass(frozen=True)
class Point:
    """A complete trial in the plot.

    Attributes:
        x, y: place in the plot, in its units.
        number: of the trial.
        coverage: share that is accepted.
        kind: `best`, `configured` or `other`.
    """

    x: float
    y: float
    number: int
    coverage: float
    kind: str


@dataclass(frozen=True)
class ShownSearch:
    """What the page says of a search.

    Attributes:
        sentences: what was found.
        within_sampling_error: whether the best settings may be no better than those configured.
        keys: dotted keys that were searched, in order.
        rows: the best trials, and the one with the settings as configured.
        points: of the plot, by number of the trial.
        width, height: of the plot.
        lowest, highest: coverage at the bottom and at the top of the plot.
    """

    sentences: str
    within_sampling_error: bool
    keys: Sequence[str]
    rows: Sequence[TrialRecord]
    points: Sequence[Point]
    best: int
    configured: int
    width: int = _WIDTH
    height: int = _HEIGHT
    lowest: float = 0.0
    highest: float = 1.0


def shown_search(search: Search) -> ShownSearch:
    """Lays the trials out."""
    ranked = search.ranked
    rows = ranked[:MOST_TRIALS]
    if all(each.number != search.configured for each in rows):
        rows = [*rows[:-1], search.trial(search.configured)]
    shares = [each.coverage or 0.0 for each in ranked]
    lowest, highest = min(shares), max(shares)
    return ShownSearch(
        sentences=str(search),
        within_sampling_error=search.within_sampling_error,
        keys=sorted({key for each in search.trials for key in each.settings}),
        rows=rows,
        points=_points(search, lowest, highest),
        best=search.best,
        configured=search.configured,
        lowest=lowest,
        highest=highest,
    )


def _points(search: Search, lowest: float, highest: float) -> list[Point]:
    last = max(1, *(each.number for each in search.trials))
    span = highest - lowest or 1.0
    return [
        Point(
            x=round(_MARGIN + (_WIDTH - 2 * _MARGIN) * each.number / last, 1),
            y=round(_HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * (share - lowest) / span, 1),
            number=each.number,
            coverage=share,
            kind=_kind(each.number, search),
        )
        for each in search.trials
        if (share := each.coverage) is not None
    ]


def _kind(number: int, search: Search) -> str:
    if number == search.best:
        return "best"
    return "configured" if number == search.configured else "other"
