"""The last days for Prometheus's textfile collector."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timezone
from typing import Any

from shelfsort.decisions.monitoring.report import Report

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
Sample = tuple[Mapping[str, str], float]


def as_metrics(report: Report) -> str:
    """Gauges in Prometheus's text format. Figures of a day are those of the last whole day."""
    lines = []
    for name, meaning, samples in _gauges(report):
        full = f"shelfsort_monitor_{name}"
        lines += [f"# HELP {full} {meaning}", f"# TYPE {full} gauge"]
        for labels, value in samples:
            shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
            lines.append(f"{full}{{{shown}}} {value:.10g}" if shown else f"{full} {value:.10g}")
    return "\n".join(lines) + "\n"


def _gauges(report: Report) -> Iterator[tuple[str, str, list[Sample]]]:
    days = report.figures.days
    day = days[-2] if len(days) > 1 else days[-1]

    def one(value: float) -> list[Sample]:
        return [({}, float(value))]

    yield "day_timestamp_seconds", "Start of the day of the figures by day.", one(_start(day.day))
    yield "day_decisions", "Decisions of the day.", one(day.decided)
    yield (
        "day_outcomes",
        "Decisions of the day by outcome.",
        [({"outcome": name}, n) for name, n in sorted(day.outcomes.items())],
    )
    if day.decided:
        automatic = day.automatic / day.decided
        yield "day_automatic_ratio", "Share decided without a person.", one(automatic)
    yield "day_failures", "Products that the model refused.", one(day.failures)
    yield "day_held_back", "Decisions that a back-off sent to people.", one(day.held_back)
    yield "day_audits_drawn", "Decisions drawn for an audit.", one(day.drawn)
    yield "waiting", "Decisions that wait for people.", one(report.figures.waiting)
    yield "oldest_waiting_seconds", "Age of the oldest of these.", one(report.figures.oldest_s)
    yield (
        "backoffs",
        "Active back-offs; category is empty for that of all.",
        [({"category": each.category}, 1) for each in report.active],
    )
    people = report.people
    yield "audits_waiting", "Audits that nobody has answered.", [({}, float(people.waiting))]
    yield "audits_by_two", "Audits that two people have answered.", [({}, float(people.twice))]
    yield (
        "audits_by_two_agreed",
        "Of these, the ones on which they agree.",
        [({}, float(people.agreed))],
    )
    yield from _accuracy(report)
    yield from _drift(report)


def _accuracy(report: Report) -> Iterator[tuple[str, str, list[Sample]]]:
    verdict, bounds = report.verdict, report.bounds
    if verdict is None or bounds is None:
        return
    overall: dict[str, Any] = {
        "promise_ratio": ("Share that is promised to be right.", verdict.promise),
        "audits": ("Answered audits of the present test.", verdict.overall.counts.n),
        "accepted_right_ratio": ("Share of the audits that were right.", verdict.overall.share),
        "accepted_right_low_ratio": ("Lower bound, valid on every day.", bounds.low[-1]),
        "accepted_right_high_ratio": ("Upper bound, valid on every day.", bounds.high[-1]),
        "promise_e_value": ("Evidence against the promise.", verdict.overall.e_value),
        "promise_broken": ("Whether the promise is broken.", verdict.is_broken),
    }
    for name, (meaning, value) in overall.items():
        yield name, meaning, [({}, float(value))]
    yield (
        "promise_broken_category",
        "Categories that break it.",
        [({"category": name}, 1) for name in verdict.broken],
    )


def _drift(report: Report) -> Iterator[tuple[str, str, list[Sample]]]:
    drift = report.drift
    if drift is None:
        return
    yield "drift_reference_days", "Days of the reference.", [({}, len(drift.reference))]
    if drift.overall:
        yield "drift_e_value", "Evidence of drift, all together.", [({}, drift.overall[-1])]
    yield "drift", "Whether categories or scores have drifted.", [({}, drift.has_drifted)]
    yield (
        "drift_category",
        "Categories that have drifted.",
        [({"category": name}, 1) for name in drift.drifted],
    )


def _start(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp()


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
