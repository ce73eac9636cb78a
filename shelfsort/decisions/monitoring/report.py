"""Everything that is known about the last days, for the page, for programs and for Prometheus."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.engine import Engine

from shelfsort.decisions.monitoring.counts import day_counts, keep_days
from shelfsort.decisions.monitoring.days import BackOff, Figures, figures
from shelfsort.decisions.monitoring.drift import Drift, judge_drift
from shelfsort.decisions.promise.stored import StoredAudits, stored_audits
from shelfsort.decisions.promise.verdict import Verdict, Watched, judge
from shelfsort.decisions.shadow.comparing import Comparison, comparisons
from shelfsort.stats.confidence_sequence import share_bounds


@dataclass(frozen=True)
class Asked:
    """What a report is about.

    Attributes:
        promise: share of the automatic decisions that is promised to be right, in (0, 1).
        alpha: chance of a false alarm in a year, of the promise and of drift each.
        days: that are shown.
        reference_days: that drift is judged against.
        reference_from: first day that may belong to them; None for the first of the model.
    """

    promise: float
    alpha: float
    days: int
    reference_days: int
    reference_from: date | None = None


@dataclass(frozen=True)
class Bounds:
    """Accepted accuracy, and its bounds that hold on all days together.

    Attributes:
        days: with the audits that they rest on.
        share: right of all audits until the end of each day.
        low, high: bounds after each day.
    """

    days: Sequence[date]
    share: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Report:
    """The last days.

    Attributes:
        asked: what it is about.
        figures: of each day and category.
        people: how far they are with the audits, and how often two of them agree.
        audits: that people answered, by the day of the decision and whether it was right.
        verdict: about the promise; None without audits.
        bounds: of the accepted accuracy; None without audits.
        drift: of the newest model; None without answers.
        candidates: that decide beside the live model.
    """

    asked: Asked
    figures: Figures
    people: StoredAudits
    audits: Mapping[tuple[date, bool], int]
    verdict: Verdict | None
    bounds: Bounds | None
    drift: Drift | None
    candidates: Sequence[Comparison]

    @property
    def active(self) -> list[BackOff]:
        """Back-offs that hold."""
        return [each for each in self.figures.backoffs if each.lifted is None]


def report_of(engine: Engine, asked: Asked, now: datetime | None = None) -> Report:
    """The report; counts of days that are over are stored on the way."""
    keep_days(engine, now)
    stored, counts, shown = (
        stored_audits(engine),
        day_counts(engine),
        figures(engine, asked.days, now),
    )
    verdict = (
        judge(stored.audits, asked.promise, asked.alpha, stored.even) if stored.audits else None
    )
    drift = (
        judge_drift(counts, asked.alpha, asked.reference_days, asked.reference_from)
        if counts is not None
        else None
    )
    return Report(
        asked,
        shown,
        stored,
        Counter((each.day, each.right) for each in stored.audits),
        verdict,
        _bounds(verdict.overall, asked) if verdict else None,
        drift,
        comparisons(engine, shown.first),
    )


def bounds_of(watched: Watched, asked: Asked) -> tuple[float, float]:
    """The bounds of the accepted accuracy after the last day."""
    found = _bounds(watched, asked)
    return found.low[-1], found.high[-1]


def _bounds(watched: Watched, asked: Asked) -> Bounds:
    counts = watched.counts
    low, high = share_bounds(counts.right, counts.wrong, asked.alpha, asked.promise)
    shares, right, n = [], 0, 0
    for hits, misses in zip(counts.right, counts.wrong, strict=True):
        right, n = right + hits, n + hits + misses
        shares.append(right / n if n else 1.0)
    return Bounds(counts.days, shares, low.tolist(), high.tolist())
