"""The last days as values and as metrics."""

import json

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.database.tables import backoff
from shelfsort.decisions.monitoring.content import as_json
from shelfsort.decisions.monitoring.metrics import as_metrics
from shelfsort.decisions.monitoring.report import Asked, report_of
from tests.fixtures.decided_days import Shop
from tests.shelfsort.decisions.monitoring.conftest import FIRST, HOSTILE, NOW, two_months

ASKED = Asked(0.98, 0.05, 90, 14)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    engine = open_database(str(tmp_path_factory.mktemp("report") / "decisions.db"))
    two_months(engine)
    return report_of(engine, ASKED, NOW)


def test_the_json_holds_each_day_with_everything_that_is_watched(report):
    found = json.loads(json.dumps(as_json(report), allow_nan=False))
    assert len(found["days"]) == 45
    first, day, last = found["days"][0], found["days"][12], found["days"][-1]
    assert (first["day"], first["decided"]) == ("2026-03-01", 120)
    assert (day["held_back"], day["backoffs"]) == (60, ["bowls"])
    assert (last["audits_drawn"], last["audits_right"] + last["audits_wrong"]) == (20, 20)
    assert first["accepted_right_low"] < last["accepted_right_low"] < last["accepted_right"]
    assert last["drift_e_value"] > found["drift"]["alarm_from"] > day.get("drift_e_value", 0)
    assert found["drift"]["drifted_categories"][0] == HOSTILE
    assert found["accuracy"]["high"] < 0.98 and found["accuracy"]["alarm"]
    assert found["waiting"] == last["waiting"] > 0
    assert found["oldest_waiting_s"] == (NOW - FIRST).total_seconds()
    kinds = {(each["kind"], each["category"]) for each in found["alarms"]}
    assert {("promise_broken", ""), ("drift", ""), ("drift", HOSTILE)} <= kinds
    own = found["categories"]["mugs"]
    assert own["accepted_right_low"] < own["audits_right"] / own["audits"]
    assert found["categories"][HOSTILE]["backed_off"] and not own["backed_off"]
    assert [each["candidate"] for each in found["candidates"]] == [HOSTILE]


def test_the_metrics_are_those_of_the_last_whole_day(report):
    text = as_metrics(report)
    read = {
        (sample.name.removeprefix("shelfsort_monitor_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    day = report.figures.days[-2]
    assert read["day_timestamp_seconds",] == NOW.replace(hour=0).timestamp() - 86_400
    assert read["day_decisions",] == day.decided == 160
    assert read["day_outcomes", "review"] == day.outcomes["review"]
    assert read["waiting",] == report.figures.waiting
    assert read["oldest_waiting_seconds",] == (NOW - FIRST).total_seconds()
    assert read["backoffs", HOSTILE] == 1
    assert read["promise_broken",] == read["drift",] == 1
    assert read["accepted_right_low_ratio",] == pytest.approx(report.bounds.low[-1])
    assert read["drift_category", HOSTILE] == 1


def test_labels_are_read_back_as_they_were(tmp_path):
    name = 'a"b\\c\nd'
    engine = open_database(str(tmp_path / "decisions.db"))
    Shop(engine).day(FIRST, {"mugs": 1})
    with engine.begin() as connection:
        connection.execute(sa.insert(backoff), {"category": name, "since": FIRST})
    text = as_metrics(report_of(engine, ASKED, FIRST))
    families = {each.name: each for each in text_string_to_metric_families(text)}
    (sample,) = families["shelfsort_monitor_backoffs"].samples
    assert sample.labels == {"category": name}


def test_a_database_without_answers_has_a_report(tmp_path):
    report = report_of(open_database(str(tmp_path / "d.db")), ASKED, NOW)
    found = as_json(report)
    assert (found["accuracy"], found["drift"], found["alarms"]) == (None, None, [])
    assert "shelfsort_monitor_waiting 0\n" in as_metrics(report)
