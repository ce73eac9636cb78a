"""The classes of failures, and when their links are tried again."""

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from shelfsort.catalog.fetching.outcomes import OUTCOMES, Try, of_failure, of_status
from shelfsort.core.http.failures import FailureKind

DOCUMENT = Path(__file__).parents[4] / "docs" / "catalog.md"
NOW = datetime(2026, 11, 27, tzinfo=timezone.utc)
HOURS = {"h": 1, "d": 24}


def _hours(text):
    if text == "never by itself":
        return ()
    return tuple(float(number) * HOURS[unit] for number, unit in re.findall(r"(\d+) (\w)", text))


def test_the_documentation_has_each_class_with_its_schedule():
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| ([^|]+?) \|$", DOCUMENT.read_text(), re.MULTILINE)
    told = {name: (meaning, _hours(due)) for name, meaning, due in rows if name in OUTCOMES}
    assert told == {
        name: (outcome.meaning, tuple(float(each) for each in outcome.hours))
        for name, outcome in OUTCOMES.items()
        if name not in ("good", "unchanged", "reachable")
    }


@pytest.mark.parametrize(
    ("outcome", "attempts", "hours"),
    [("timeout", 1, 1), ("timeout", 2, 24), ("timeout", 3, 168), ("timeout", 4, None),
     ("gone", 1, 168), ("gone", 3, None), ("placeholder", 1, None)],
)  # fmt: skip
def test_each_failure_in_a_row_waits_longer_until_no_more(outcome, attempts, hours):
    due = Try(1, outcome, attempts, NOW).due
    assert due == (None if hours is None else NOW + timedelta(hours=hours))


def test_a_host_that_names_a_time_is_asked_then():
    assert Try(1, "throttled", 1, NOW, due_after=timedelta(minutes=5)).due == NOW + timedelta(
        minutes=5
    )


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(404, "gone"), (410, "gone"), (403, "blocked"), (451, "blocked"), (429, "throttled"),
     (500, "server_error"), (599, "server_error"), (304, "bad_answer"), (418, "bad_answer")],
)  # fmt: skip
def test_each_status_has_a_class(status, outcome):
    assert of_status(status) == outcome


@pytest.mark.parametrize("kind", FailureKind.__args__)
def test_each_failure_of_a_download_has_a_class(kind):
    assert of_failure(kind) in OUTCOMES
