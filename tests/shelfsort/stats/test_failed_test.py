import numpy as np
import pytest

from shelfsort.stats.binomial import proof_p_value
from shelfsort.stats.failed_test import closest_failure
from shelfsort.stats.thresholds import Trials, fit_threshold


def sample(n: int, wrong_ranks: list[int]) -> Trials:
    scores = np.linspace(0.999, 0.9, n)
    correct = np.ones(n, bool)
    correct[wrong_ranks] = False
    return Trials(scores, np.full(n, "mugs", object), correct, np.arange(n))


def test_the_wrong_answers_among_the_tested_ones_are_named_and_how_many_must_be_right():
    trials = sample(80, [10, 20])
    assert fit_threshold(trials.scores, trials.correct, 0.95) is None
    found = closest_failure(trials, 0.95, 0.95)
    assert found.wrong.tolist() == [10, 20]
    assert proof_p_value(found.tested - found.allowed, found.tested, 0.95) <= 0.05
    assert proof_p_value(found.tested - found.allowed - 1, found.tested, 0.95) > 0.05 / 2
    assert found.missing == 2 - found.allowed


def test_setting_as_many_right_as_are_missing_proves_the_target():
    trials = sample(80, [10, 20])
    found = closest_failure(trials, 0.95, 0.95)
    corrected = trials.correct.copy()
    corrected[found.wrong[: found.missing]] = True
    assert fit_threshold(trials.scores, corrected, 0.95) is not None


@pytest.mark.parametrize("trials", [sample(80, []), sample(20, []), sample(0, [])])
def test_there_is_no_failure_where_a_test_passed_or_none_was_made(trials):
    assert closest_failure(trials, 0.95, 0.95) is None
