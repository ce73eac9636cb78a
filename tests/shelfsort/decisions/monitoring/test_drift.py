"""Categories and scores against the first days of a model."""

from datetime import date, timedelta

import numpy as np
import pytest

from shelfsort.decisions.monitoring.counts import SCORES, DayCounts
from shelfsort.decisions.monitoring.drift import judge_drift

START = date(2026, 1, 1)
MIX = 1 / np.arange(1, 91) ** 0.8


def counts(days, change=None, at=0, shape=(12.0, 0.6), then=None, seed=0, n=500):
    """Days of n answers in 90 categories; from day `at` on other shares or other scores."""
    rng = np.random.default_rng(seed)
    answers, scores = [], []
    for day in range(days):
        shares = change if change is not None and day >= at else MIX
        own = rng.multinomial(n, shares / shares.sum())
        drawn = rng.beta(*(then if then and day >= at else shape), n)
        reach = drawn[:, None] >= np.array(SCORES)
        ends = np.cumsum(own)
        sums = np.concatenate([np.zeros((1, len(SCORES)), int), reach.cumsum(axis=0)])
        answers.append(own)
        scores.append(sums[ends] - sums[ends - own])
    dates = [START + timedelta(day) for day in range(days)]
    names = [f"c{n:02d}" for n in range(90)]
    return DayCounts("3", dates, names, np.array(answers), np.array(scores))


def shares(place, factor):
    other = MIX.copy()
    other[place] *= factor
    return other


@pytest.mark.slow
def test_90_categories_at_500_a_day_are_called_drifted_in_at_most_5_of_100_years():
    alarms = sum(any(judge_drift(counts(264, seed=n), 0.05).by_day) for n in range(6))
    assert alarms == 0


def test_a_category_that_triples_is_named_and_no_other():
    found = judge_drift(counts(60, shares(20, 3.0), at=40), 0.05)
    assert found.drifted == ["c20"]
    assert found.has_drifted and not any(found.by_day[:26])
    own = found.categories["c20"]
    assert own.share_now > 2 * own.share_before
    assert own.share_e_value > own.score_e_value
    assert (found.reference[0], found.reference[-1]) == (START, START + timedelta(13))
    assert len(found.days) == 46 and found.reference_answers == 7_000


def test_scores_that_fall_are_noticed_though_categories_stay():
    found = judge_drift(counts(40, at=30, then=(8.0, 1.0)), 0.05)
    assert found.alarm is not None and found.alarm <= START + timedelta(34)


def test_a_reference_that_is_not_whole_says_nothing():
    found = judge_drift(counts(9), 0.05)
    assert not found.is_whole and not found.has_drifted
    assert (len(found.reference), found.days, found.overall) == (9, [], [])


def test_a_person_may_begin_the_reference_after_a_change_that_is_as_it_should_be():
    changed = counts(60, shares(2, 3.0), at=20)
    assert judge_drift(changed, 0.05).has_drifted
    found = judge_drift(changed, 0.05, since=START + timedelta(20))
    assert found.reference[0] == START + timedelta(20)
    assert not found.has_drifted
    assert judge_drift(changed, 0.05, since=START + timedelta(99)).reference == []


def test_after_a_year_a_new_test_begins():
    found = judge_drift(counts(14 + 370, n=20), 0.05)
    assert len(found.days) == 5
    assert found.reference[0] == START
