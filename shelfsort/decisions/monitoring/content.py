"""The last days as plain values."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from shelfsort.decisions.monitoring.alarms import alarms_of
from shelfsort.decisions.monitoring.days import Day
from shelfsort.decisions.monitoring.drift import Drift
from shelfsort.decisions.monitoring.report import Report, bounds_of
from shelfsort.decisions.shadow.comparing import Comparison


def as_json(report: Report) -> dict[str, Any]:
    """Everything that the page shows."""
    asked, shown = report.asked, report.figures
    return {
        "at": shown.at.isoformat(),
        "promise": asked.promise,
        "alpha": asked.alpha,
        "alarms": [asdict(each) for each in alarms_of(report.verdict, report.drift)],
        "days": [_day(report, each) for each in shown.days],
        "categories": {name: _category(report, name) for name in sorted(shown.categories)},
        "backoffs": [
            {
                "category": each.category,
                "since": each.since.isoformat(),
                "lifted": each.lifted and each.lifted.isoformat(),
                "cause": each.cause,
                "lifted_by": each.lifted_by,
            }
            for each in shown.backoffs
        ],
        "waiting": shown.waiting,
        "oldest_waiting_s": shown.oldest_s,
        "accuracy": _accuracy(report),
        "audits_waiting": report.people.waiting,
        "audits_by_two": report.people.twice,
        "audits_by_two_agreed": report.people.agreed,
        "drift": report.drift and _drift(report.drift),
        "candidates": [comparison_json(each) for each in report.candidates],
    }


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """A candidate against the live model."""
    return {
        "candidate": comparison.candidate,
        "first": comparison.first.isoformat(),
        "last": comparison.last.isoformat(),
        "products": comparison.n,
        "other_category": comparison.moved,
        "other_outcome": comparison.changed,
        "automatic": asdict(comparison.automatic),
        "right": {kind: asdict(each) for kind, each in comparison.right.items()},
        "outcomes": [
            {"live": live, "candidate": other, "products": n}
            for (live, other), n in sorted(comparison.outcomes.items())
        ],
        "categories": {
            name: {
                "products": each.n,
                "moved_to": dict(each.moves),
                "only_live_right": each.only_live,
                "only_candidate_right": each.only_candidate,
            }
            for name, each in sorted(comparison.categories.items())
        },
    }


def _day(report: Report, day: Day) -> dict[str, Any]:
    found = {
        "day": day.day.isoformat(),
        "decided": day.decided,
        "automatic": day.automatic,
        "outcomes": dict(day.outcomes),
        "held_back": day.held_back,
        "failures": day.failures,
        "audits_drawn": day.drawn,
        "audits_right": report.audits.get((day.day, True), 0),
        "audits_wrong": report.audits.get((day.day, False), 0),
        "waiting": day.waiting,
        "oldest_waiting_days": day.oldest_days,
        "backoffs": [each.category for each in report.figures.backoffs if each.holds_on(day.day)],
    }
    return {**found, **_accuracy_on(report, day.day), **_drift_on(report.drift, day.day)}


def _accuracy_on(report: Report, day: date) -> Mapping[str, Any]:
    bounds, verdict = report.bounds, report.verdict
    if bounds is None or verdict is None or day not in bounds.days:
        return {}
    n = list(bounds.days).index(day)
    return {
        "accepted_right": bounds.share[n],
        "accepted_right_low": bounds.low[n],
        "accepted_right_high": bounds.high[n],
        "promise_e_value": verdict.overall.e_values[n],
    }


def _drift_on(drift: Drift | None, day: date) -> Mapping[str, Any]:
    if drift is None or day not in drift.days:
        return {}
    n = list(drift.days).index(day)
    return {"drift_e_value": drift.overall[n], "drifted_categories": drift.named[n]}


def _category(report: Report, name: str) -> dict[str, Any]:
    own, verdict, drift = report.figures.categories[name], report.verdict, report.drift
    found: dict[str, Any] = {
        "decided": own.decided,
        "automatic": own.automatic,
        "outcomes": dict(own.outcomes),
        "held_back": own.held_back,
        "backed_off": any(each.category in ("", name) for each in report.active),
    }
    if verdict is not None and name in verdict.categories:
        watched = verdict.categories[name]
        low, high = bounds_of(watched, report.asked)
        found |= {
            "audits": watched.counts.n,
            "audits_right": sum(watched.counts.right),
            "accepted_right_low": low,
            "accepted_right_high": high,
            "promise_e_value": watched.e_value,
            "promise_broken": name in verdict.broken,
        }
    if drift is not None and name in drift.categories:
        moved = drift.categories[name]
        found |= {
            "share_before": moved.share_before,
            "share_now": moved.share_now,
            "high_scores_before": moved.score_before,
            "high_scores_now": moved.score_now,
            "drift_e_value": moved.e_value,
            "drifted": name in drift.drifted,
        }
    return found


def _accuracy(report: Report) -> dict[str, Any] | None:
    verdict, bounds = report.verdict, report.bounds
    if verdict is None or bounds is None:
        return None
    alarm = verdict.overall.alarm
    return {
        "audits": verdict.overall.counts.n,
        "right": verdict.overall.share,
        "low": bounds.low[-1],
        "high": bounds.high[-1],
        "e_value": verdict.overall.e_value,
        "alarm": alarm and alarm.isoformat(),
        "broken_categories": list(verdict.broken),
    }


def _drift(drift: Drift) -> dict[str, Any]:
    return {
        "model": drift.model,
        "reference": [day.isoformat() for day in drift.reference],
        "reference_days_wanted": drift.wanted,
        "reference_answers": drift.reference_answers,
        "dispersion": drift.dispersion,
        "e_value": drift.overall[-1] if drift.overall else None,
        "alarm_from": drift.level,
        "alarm": drift.alarm and drift.alarm.isoformat(),
        "drifted_categories": list(drift.drifted),
    }
