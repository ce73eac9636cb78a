from datetime import datetime, timedelta, timezone

import pytest

from shelfsort.labeling.pay import TimedAnswer, hours_taken, pays, per_hour, read_time

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def at(worker, minutes):
    return TimedAnswer(worker, submitted=NOON + timedelta(minutes=minutes))


def test_an_hour_of_a_worker_costs_the_answers_that_fit_into_it():
    # 10 s an answer, 360 answers an hour at 0.05.
    given = [TimedAnswer("ann", s) for s in (8, 10, 30)] + [TimedAnswer("bob", 20)]
    ann, bob = pays(given, 0.05)
    assert (ann.worker, ann.answers, ann.paid, ann.seconds) == ("ann", 3, pytest.approx(0.15), 10)
    assert ann.per_hour == pytest.approx(18)
    assert bob.per_hour == pytest.approx(9)
    # 50 s of work for 0.20.
    assert per_hour([ann, bob]) == pytest.approx(14.4)


def test_times_are_gaps_between_answers_where_they_are_not_measured_and_pauses_do_not_count():
    (ann,) = pays([at("ann", 0), at("ann", 1), at("ann", 3), at("ann", 60)], 0.1)
    assert ann.seconds == 90
    assert pays([at("bob", 0)], 0.1)[0].per_hour is None
    assert per_hour(pays([at("bob", 0)], 0.1)) is None


def test_a_job_lasts_from_its_first_answer_to_its_last():
    assert hours_taken([at("ann", 30), at("bob", 0), TimedAnswer("cat")]) == 0.5
    assert hours_taken([at("ann", 0)]) is None


@pytest.mark.parametrize("text", ["2026-01-01T12:00:00Z", "2026-01-01T13:00:00+01:00"])
def test_times_are_read_in_any_zone(text):
    assert read_time(text) == NOON
    assert read_time("2026-01-01T12:00:00") == NOON
    assert read_time("yesterday") is None
    assert read_time(5) is None
