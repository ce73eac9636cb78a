import numpy as np
import pytest

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.evaluation import Share
from shelfsort.labeling.outlook import difference, gold_outlook, more_workers
from tests.shelfsort.labeling.crowds import drawn_crowd


def certain(answers, truth):
    return np.array(
        [[label == truth[task] for label in answers.labels] for task in answers.tasks], float
    )


def test_fewer_workers_are_measured_and_more_are_expected():
    answers, truth = drawn_crowd([0.8] * 10, tasks=600, each=3)
    levels = more_workers(answers, certain(answers, truth), most=2)
    assert [(each.workers, each.measured) for each in levels] == [
        (1, True),
        (2, True),
        (3, True),
        (4, False),
        (5, False),
    ]
    # With one worker .8 are right, with two .8² + 2 · .8 · .2 / 2 = .8, as ties count in part. Two
    # agree with .8² + 2 · .1²; three disagree with 3! · .8 · .1 · .1.
    assert [each.right for each in levels[:2]] == pytest.approx([0.8, 0.8], abs=0.02)
    assert levels[0].consensus == 1
    assert levels[1].consensus == pytest.approx(0.8**2 + 0.2**2 / 2, abs=0.03)
    assert levels[2].consensus == pytest.approx(1 - 6 * 0.8 * 0.1 * 0.1, abs=0.02)
    # More workers of this kind do better than those that were asked.
    assert levels[4].right > levels[2].right + 0.01


def test_a_simulated_worker_is_as_right_as_a_drawn_one():
    full, truth = drawn_crowd([0.7] * 10, tasks=1500, each=4, seed=1)
    short = full.only(np.arange(len(full)) % 4 < 3)
    measured = more_workers(full, certain(full, truth), most=0)[3]
    expected = more_workers(short, certain(short, truth), most=1)[3]
    assert expected.right == pytest.approx(measured.right, abs=0.02)
    assert expected.consensus == pytest.approx(measured.consensus, abs=0.02)


def test_one_label_alone_is_always_right():
    answers = Answers.of([("t", "v", "a"), ("t", "w", "a")])
    assert {each.right for each in more_workers(answers, np.ones((1, 1)))} == {1.0}


def test_more_gold_questions_find_bad_workers_more_surely():
    few, some, many = gold_outlook([4, 20, 60], skill=0.9, chance=0.1)
    assert (few.caught, few.ban_below) == (0, pytest.approx(0.7))
    # Banned is who has at most 10 of 20 right: Clopper-Pearson gives .698 for 10, .741 for 11.
    assert some.caught == pytest.approx(0.5881, abs=1e-4)
    assert some.wronged < 1e-5
    assert many.caught > 0.9


def test_the_difference_of_two_shares_has_an_interval():
    one, other = Share(26, 100), Share(47, 100)
    found = difference(one, other)
    (low1, high1), (low2, high2) = one.interval, other.interval
    assert found.points == pytest.approx(0.21)
    assert found.low == pytest.approx(0.21 - ((0.47 - low2) ** 2 + (high1 - 0.26) ** 2) ** 0.5)
    assert found.high == pytest.approx(0.21 + ((high2 - 0.47) ** 2 + (0.26 - low1) ** 2) ** 0.5)
    assert 0.05 < found.low < found.high < 0.37
    assert difference(Share(0, 0), other) is None
