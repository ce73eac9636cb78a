"""How many requests a host gets."""

import pytest

from shelfsort.catalog.fetching.pace import Pace, Rules

RULES = Rules(per_host=8, probes_s=(10.0, 30.0), longest_pause_s=120.0)


def _after(answers, latency_s=0.05):
    pace = Pace(RULES)
    for _ in range(answers):
        pace.answered(latency_s)
    return pace


def test_a_host_begins_with_one_request_and_grows_with_each_answer():
    assert Pace(RULES).at_once == 1
    assert [_after(n).at_once for n in (1, 3, 7, 50)] == [2, 4, 8, 8]


def test_a_host_that_slows_gets_fewer_until_it_is_quick_again():
    pace = _after(20)
    for _ in range(30):
        pace.answered(2.0)
    assert pace.at_once <= 2
    for _ in range(60):
        pace.answered(0.05)
    assert pace.at_once == 8


def test_a_new_host_that_fails_twice_is_probed_by_three_links_and_given_up():
    pace = Pace(RULES)
    assert [pace.failed() for _ in range(2)] == [0.0, 10.0]
    assert [pace.failed(probe=True) for _ in range(3)] == [0.0, 0.0, None]


def test_a_known_host_gets_more_patience_and_two_probes():
    pace = _after(9)
    assert [pace.failed() for _ in range(5)] == [0.0, 0.0, 0.0, 0.0, 10.0]
    assert [pace.failed(probe=True) for _ in range(6)] == [0.0, 0.0, 30.0, 0.0, 0.0, None]
    assert not pace.trusted


def test_what_was_under_way_when_a_host_was_left_alone_is_no_probe():
    pace = _after(9)
    assert [pace.failed() for _ in range(8)] == [0.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0]
    assert [pace.failed(probe=True) for _ in range(3)] == [0.0, 0.0, 30.0]


def test_a_probe_asks_for_its_links_together_and_for_no_more():
    pace = Pace(RULES)
    pace.failed()
    pace.failed()
    found = []
    for _ in range(3):
        found.append(pace.at_once)
        pace.failed(probe=True)
    assert found == [3, 2, 1]


def test_an_answer_to_a_probe_makes_a_host_whole_again():
    pace = Pace(RULES)
    assert [pace.failed(), pace.failed()] == [0.0, 10.0]
    pace.answered(0.1)
    assert pace.trusted
    assert pace.failed() == 0.0


@pytest.mark.parametrize(("asked", "pauses"), [(None, [1.0, 2.0, 4.0]), (7.0, [7.0] * 3)])
def test_too_many_requests_halve_the_pace_and_pause_it(asked, pauses):
    pace = _after(20)
    assert [pace.pressed(asked) for _ in range(3)] == pauses
    assert pace.at_once == 1


def test_a_host_that_asks_for_a_long_pause_is_given_up():
    assert _after(3).pressed(3_600.0) is None


def test_a_delay_of_robots_txt_leaves_one_request_at_a_time():
    pace = _after(20)
    pace.delay_s = 2.0
    assert pace.at_once == 1
