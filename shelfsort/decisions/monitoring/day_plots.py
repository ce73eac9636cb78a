"""What is plotted over the days: title, words and the plot of each."""

from collections.abc import Iterator

from shelfsort.decisions.monitoring.plots import Bars, Line, Plot
from shelfsort.decisions.monitoring.report import Report

_STEPS = (0.005, 0.01, 0.02, 0.05, 0.1)
_LEAST_E, _MOST_E = 0.01, 1e6
Section = tuple[str, str, str]
"""Title, words and HTML."""


def day_plots(report: Report) -> Iterator[Section]:
    """The sections, without those that have nothing to show."""
    yield _volume(report)
    yield _automatic(report)
    if report.bounds is not None:
        yield _accuracy(report)
    if report.drift is not None and report.drift.overall:
        yield _drift(report)
    yield _queue(report)


def _volume(report: Report) -> Section:
    days = report.figures.days
    held = [each.held_back for each in days]
    parts = [
        ("without a person", [float(each.automatic) for each in days]),
        (
            "left to people",
            [float(each.decided - each.automatic - each.held_back) for each in days],
        ),
        ("held back", [float(n) for n in held]),
    ]
    plot = Plot(
        "Decisions by day",
        [each.day for each in days],
        0.0,
        _top(max(each.decided for each in days)),
        _count,
        Bars(parts if any(held) else parts[:2]),
    )
    return "Decisions", "By day in UTC.", plot.draw()


def _automatic(report: Report) -> Section:
    days = report.figures.days
    shares = [each.automatic / each.decided if each.decided else None for each in days]
    outcomes = sorted({name for each in days for name in each.outcomes})
    plot = Plot(
        "Share of decisions without a person by day",
        [each.day for each in days],
        0.0,
        1.0,
        _percent,
        lines=[Line("decided without a person", shares)],
    )
    totals = ", ".join(f"{sum(each.outcomes[name] for each in days):,} {name}" for name in outcomes)
    words = f"Outcomes of these days: {totals}." if totals else "Nothing was decided."
    return "Automatic share", words, plot.draw()


def _accuracy(report: Report) -> Section:
    bounds = report.bounds
    assert bounds is not None
    days = [each.day for each in report.figures.days]
    at = {day: n for n, day in enumerate(bounds.days)}
    places = [at.get(day) for day in days]
    shares = [None if n is None else bounds.share[n] for n in places]
    band = [None if n is None else (bounds.low[n], bounds.high[n]) for n in places]
    floor = min([each[0] for each in band[len(band) // 4 :] if each] + [report.asked.promise])
    broken = report.verdict is not None and report.verdict.overall.alarm
    plot = Plot(
        "Share of audited automatic decisions that are right",
        days,
        _floor(floor),
        1.0,
        _tenth,
        lines=[Line("right of all audits so far", shares, band)],
        level=("promised", report.asked.promise),
        marked=[bool(broken) and day >= broken for day in days] if broken else (),
    )
    audits = Plot(
        "Audits answered, by the day of the decision",
        days,
        0.0,
        _top(max(sum(report.audits.get((day, yes), 0) for yes in (True, False)) for day in days)),
        _count,
        Bars(
            [
                ("audits that agree", [float(report.audits.get((day, True), 0)) for day in days]),
                ("do not agree", [float(report.audits.get((day, False), 0)) for day in days]),
            ],
            (0, 2),
        ),
    )
    words = (
        "A random sample of the decisions made without a person. The band holds the true share on "
        f"all days together with {1 - report.asked.alpha:.0%} confidence, however often one looks, "
        "if the share stays the same."
    )
    return "Accepted and right", words, plot.draw() + audits.draw()


def _drift(report: Report) -> Section:
    drift = report.drift
    assert drift is not None
    days = [each.day for each in report.figures.days]
    at = {day: n for n, day in enumerate(drift.days)}
    values = [drift.overall[at[day]] if day in at else None for day in days]
    by_day = drift.by_day
    plot = Plot(
        "Evidence of drift by day",
        days,
        _LEAST_E,
        _MOST_E,
        _e_value,
        lines=[Line("evidence that categories or scores have changed", values)],
        level=("alarm", drift.level),
        marked=[day in at and by_day[at[day]] for day in days],
        log=True,
    )
    first, last = drift.reference[0], drift.reference[-1]
    words = (
        f"Model {drift.model}, against its {drift.reference_answers:,} answers from {first} to "
        f"{last}. Days with an alarm, overall or in a category, are shaded. A false alarm within a "
        f"year has a chance of at most {drift.alpha:.0%}."
    )
    return "Drift", words, plot.draw()


def _queue(report: Report) -> Section:
    days = report.figures.days
    plot = Plot(
        "Decisions that wait for people at the end of each day",
        [each.day for each in days],
        0.0,
        _top(max(each.waiting for each in days)),
        _count,
        Bars([("waiting when the day ended", [float(each.waiting) for each in days])]),
    )
    ages = Plot(
        "Age of the oldest decision that waits, in days",
        [each.day for each in days],
        0.0,
        _top(max(each.oldest_days for each in days)),
        _count,
        lines=[Line("age of the oldest in days", [float(each.oldest_days) for each in days])],
    )
    return "Waiting for people", "", plot.draw() + ages.draw()


def _top(most: int) -> float:
    """A round number of at least `most` that four parts divide."""
    step = 1
    while True:
        for factor in (1, 1.5, 2, 3, 5) if step > 1 else (1, 2, 3, 5):
            if most <= 4 * step * factor:
                return float(4 * step * factor)
        step *= 10


def _floor(least: float) -> float:
    """A share of at most `least` from which four round steps lead to 1."""
    return next((1 - 4 * step for step in _STEPS if 1 - 4 * step <= least), 0.0)


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _tenth(value: float) -> str:
    return f"{value:.1%}"


def _e_value(value: float) -> str:
    return f"{value:.3g}" if value < 10_000 else f"{value:.0e}".replace("e+0", "e")
