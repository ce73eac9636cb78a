"""Whether a promise was broken: overall, and by category."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from shelfsort.decisions.promise.audits import Audit, Counts, counted
from shelfsort.stats.binomial import interval
from shelfsort.stats.eprocess import HORIZON_DAYS, daily_e_values, e_benjamini_hochberg


@dataclass(frozen=True)
class Watched:
    """What the audits say about one promise.

    Attributes:
        counts: by day.
        e_values: evidence against the promise after each day.
        alarm: the first day on which it reached 1/alpha; None while it has not.
    """

    counts: Counts
    e_values: Sequence[float]
    alarm: date | None

    @property
    def share(self) -> float:
        """Of the audits that were right; 1 without any."""
        return sum(self.counts.right) / self.counts.n if self.counts.n else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """Exact 95 % interval of the share, for one look."""
        low, high = interval(sum(self.counts.right), self.counts.n)
        return float(low), float(high)

    @property
    def e_value(self) -> float:
        """The evidence after the last day."""
        return self.e_values[-1]


@dataclass(frozen=True)
class Verdict:
    """What the audits say.

    Attributes:
        promise: share that is promised to be right.
        alpha: chance of a false alarm in a year, and share of false discoveries.
        overall: of all audits.
        categories: of each category, by its name.
        broken: categories that break the promise.
        rest: of the audits in all other categories.
    """

    promise: float
    alpha: float
    overall: Watched
    categories: Mapping[str, Watched]
    broken: Sequence[str]
    rest: Watched

    @property
    def is_broken(self) -> bool:
        """Overall, or in a category."""
        return self.overall.alarm is not None or bool(self.broken)


def judge(
    audits: Sequence[Audit], promise: float, alpha: float, even: Sequence[Audit] | None = None
) -> Verdict:
    """Judges the last year of audits: older ones belong to tests that are over.

    Args:
        audits: of the decisions made without a person; of each category a random sample, and at
            least one in all.
        even: those that are a random sample over all categories; None for all of them.
        promise: share that is promised to be right, in (0, 1).
        alpha: in (0, 1).
    """
    last = max(audit.day for audit in audits)
    first = min(audit.day for audit in audits)
    years = (last - first).days // HORIZON_DAYS
    first = date.fromordinal(first.toordinal() + years * HORIZON_DAYS)
    recent = [audit for audit in audits if audit.day >= first]
    overall = [audit for audit in (audits if even is None else even) if audit.day >= first]
    by_category = defaultdict(list)
    for audit in recent:
        by_category[audit.category].append(audit)
    watched = {
        name: _watched(counted(own, first, last), promise, alpha)
        for name, own in sorted(by_category.items())
    }
    names = list(watched)
    rejected = e_benjamini_hochberg([watched[name].e_value for name in names], alpha)
    broken = [names[place] for place in rejected]
    rest = [audit for audit in overall if audit.category not in broken]
    return Verdict(
        promise,
        alpha,
        _watched(counted(overall, first, last), promise, alpha),
        watched,
        broken,
        _watched(counted(rest, first, last), promise, alpha),
    )


def _watched(counts: Counts, promise: float, alpha: float) -> Watched:
    e_values = daily_e_values(counts.right, counts.wrong, promise)
    reached = np.flatnonzero(e_values >= 1 / alpha)
    alarm = counts.days[int(reached[0])] if len(reached) else None
    return Watched(counts, e_values.tolist(), alarm)
