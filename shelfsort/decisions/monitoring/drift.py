"""Whether today's categories and scores are still those of the first days of a model.

The reference is the first days on which a version of the model answered, or the first days since a
date that a person names. The test may be looked at every day; see `stats.drift`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from shelfsort.decisions.monitoring.counts import SCORES, DayCounts
from shelfsort.stats.drift import drift_e_values, overdispersion
from shelfsort.stats.eprocess import HORIZON_DAYS, e_benjamini_hochberg

REFERENCE_DAYS = 14


@dataclass(frozen=True)
class CategoryDrift:
    """How a category differs from the reference.

    Attributes:
        share_before, share_now: of all answers, in the reference and in the last week.
        score_before, score_now: share of the category's answers that reach .95; None without any.
        share_e_value, score_e_value: evidence that the share, or the scores, have changed.
    """

    share_before: float
    share_now: float
    score_before: float | None
    score_now: float | None
    share_e_value: float
    score_e_value: float

    @property
    def e_value(self) -> float:
        """Evidence that either has changed."""
        return (self.share_e_value + self.score_e_value) / 2


@dataclass(frozen=True)
class Drift:
    """What the answers since the reference say.

    Attributes:
        model: its version.
        alpha: chance of a false alarm in a year.
        wanted: days that the reference needs.
        reference: its days, fewer than wanted while they are collected.
        reference_answers: in it.
        dispersion: how much more categories vary from day to day than chance makes them.
        days: since the reference.
        answers: of each day.
        overall: e-values of all answers together after each day.
        named: number of categories that had changed by each day.
        categories: by id.
        drifted: ids of those that have changed by the last day.
        alarm: first day on which all answers together had; None while they have not.
    """

    model: str
    alpha: float
    wanted: int
    reference: Sequence[date]
    reference_answers: int
    dispersion: float
    days: Sequence[date]
    answers: Sequence[int]
    overall: Sequence[float]
    named: Sequence[int]
    categories: Mapping[str, CategoryDrift]
    drifted: Sequence[str]
    alarm: date | None

    @property
    def is_whole(self) -> bool:
        """Whether the reference is complete."""
        return len(self.reference) >= self.wanted

    @property
    def level(self) -> float:
        """The e-value from which on all answers together have changed."""
        return 2 / self.alpha

    @property
    def by_day(self) -> list[bool]:
        """Whether anything had changed by each day."""
        pairs = zip(self.overall, self.named, strict=True)
        return [value >= self.level or bool(n) for value, n in pairs]

    @property
    def has_drifted(self) -> bool:
        """Overall on some day, or in a category by the last."""
        return self.alarm is not None or bool(self.drifted)


def judge_drift(
    counts: DayCounts,
    alpha: float,
    wanted: int = REFERENCE_DAYS,
    since: date | None = None,
) -> Drift:
    """Compares the days since the reference with it.

    Half of alpha is for all answers together, half for the categories by themselves. Among those
    named, at most a share of alpha / 2 is named wrongly.

    Args:
        counts: of a version of a model.
        alpha: in (0, 1).
        wanted: days of the reference, at least 2.
        since: first day that may belong to the reference; None for the first of all.
    """
    start = next((n for n, day in enumerate(counts.days) if since is None or day >= since), None)
    start = len(counts.days) if start is None else start
    end = min(start + wanted, len(counts.days))
    years = max((len(counts.days) - end - 1) // HORIZON_DAYS, 0)
    first = end + years * HORIZON_DAYS
    before, after = slice(start, end), slice(first, len(counts.days))
    reference, days = counts.answers[before], counts.answers[after]
    dispersion = overdispersion(reference)
    shares, scores, overall_scores = _e_values(counts, before, after, dispersion)
    by_category = (shares + scores) / 2
    overall = (shares.mean(axis=0) + overall_scores) / 2 if len(days) else np.zeros(0)
    reached = np.flatnonzero(overall >= 2 / alpha)
    rejected = [e_benjamini_hochberg(each.tolist(), alpha / 2) for each in by_category.T]
    each = _by_category(counts, before, after, shares, scores)
    return Drift(
        model=counts.model,
        alpha=alpha,
        wanted=wanted,
        reference=counts.days[before],
        reference_answers=int(reference.sum()),
        dispersion=dispersion,
        days=counts.days[after],
        answers=days.sum(axis=1).tolist(),
        overall=overall.tolist(),
        named=[len(places) for places in rejected],
        categories=each,
        drifted=[counts.categories[place] for place in (rejected or [[]])[-1]],
        alarm=counts.days[after][int(reached[0])] if len(reached) else None,
    )


def _e_values(
    counts: DayCounts, before: slice, after: slice, dispersion: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of shares and scores of each category, (categories, days), and of all scores, (days,)."""
    reference, days = counts.answers[before], counts.answers[after].T
    shares = drift_e_values(
        reference.sum(axis=0),
        reference.sum(),
        days,
        days.sum(axis=0),
        kinds=max(len(counts.categories), 2),
        dispersion=dispersion,
    )
    old, new = counts.scores[before], np.moveaxis(counts.scores[after], 0, -1)
    all_old, all_new = old.sum(axis=1), new.sum(axis=0)
    spread = overdispersion(_in_bands(all_old, reference.sum(axis=1)))
    scores = drift_e_values(
        old.sum(axis=0),
        reference.sum(axis=0)[:, None],
        new,
        days[:, None],
        dispersion=spread,
    )
    everything = drift_e_values(
        all_old.sum(axis=0), reference.sum(), all_new, days.sum(axis=0), dispersion=spread
    )
    # An average of e-values is one, however they depend on each other.
    return shares, scores.mean(axis=1), everything.mean(axis=0)


def _in_bands(reaching: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """(days, bands) from how many answers reach each score: bands that exclude each other."""
    whole = np.column_stack([answers, reaching, np.zeros(len(answers), np.int64)])
    return whole[:, :-1] - whole[:, 1:]


def _by_category(
    counts: DayCounts, before: slice, after: slice, shares: np.ndarray, scores: np.ndarray
) -> dict[str, CategoryDrift]:
    week = slice(max(after.start, after.stop - 7), after.stop)
    old, new = counts.answers[before].sum(axis=0), counts.answers[week].sum(axis=0)
    high = SCORES.index(0.95)
    old_high = counts.scores[before, :, high].sum(axis=0)
    new_high = counts.scores[week, :, high].sum(axis=0)
    last = shares.shape[1] - 1
    return {
        name: CategoryDrift(
            _share(old[n], old.sum()) or 0.0,
            _share(new[n], new.sum()) or 0.0,
            _share(old_high[n], old[n]),
            _share(new_high[n], new[n]),
            float(shares[n, last]) if last >= 0 else 1.0,
            float(scores[n, last]) if last >= 0 else 1.0,
        )
        for n, name in enumerate(counts.categories)
    }


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
