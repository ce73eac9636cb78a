from datetime import datetime, timezone

import pytest

from shelfsort.catalog.services.pacing import Pacing, asked_pause_s, backoff_s

NOW = datetime(2026, 11, 27, 6, 0, 0, tzinfo=timezone.utc)


def test_requests_are_spaced_evenly(clock):
    pacing = Pacing(4)
    for _ in range(5):
        pacing.wait()
    assert clock.slept == pytest.approx([0.25] * 4)
    clock.now += 10
    pacing.wait()
    assert len(clock.slept) == 4


def test_a_pause_that_is_asked_for_holds_everything_back(clock):
    pacing = Pacing(1_000)
    pacing.hold(30)
    pacing.hold(5)
    pacing.wait()
    assert sum(clock.slept) == pytest.approx(30)


def test_pauses_double_up_to_a_minute():
    for failures, most in ((1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (20, 60)):
        drawn = [backoff_s(failures) for _ in range(200)]
        assert most / 2 <= min(drawn) < max(drawn) <= most


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Fri, 27 Nov 2026 06:01:30 GMT", 90),
        ("Fri, 27 Nov 2026 05:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 400, 999_999_999_999),
    ],
)
def test_retry_after_is_a_number_or_a_moment(value, seconds):
    assert asked_pause_s(value, NOW) == seconds
