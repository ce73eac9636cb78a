"""Trials on a few products whose words tell their category, in this process and in others."""

import dataclasses
import logging

import numpy as np
import pytest

from shelfsort.core.progress import LOGGER_NAME, progress
from shelfsort.training.tuning.search import search
from shelfsort.training.tuning.settings import SpaceConfig, TuningConfig
from shelfsort.training.tuning.trial import Problem, run_trial
from tests.fixtures.searching import N, small_problem

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def problem(tmp_path_factory) -> Problem:
    return small_problem(tmp_path_factory.mktemp("tree"))


def test_a_trial_is_judged_by_what_its_proven_thresholds_accept(problem):
    shares = []
    outcome = run_trial(problem, {}, lambda fold, share: shares.append((fold, share)) or True)
    answers = outcome.answers
    # Only products that are evidence judge, and one in 40 is wrong.
    assert len(answers.correct) == N * 9 // 10
    wrong = (N // 40) / (N * 9 // 10)
    assert answers.accuracy == pytest.approx(1 - wrong, abs=0.01)
    assert answers.coverage > 0.9
    assert answers.correct[answers.accepted].mean() >= 0.9
    assert [fold for fold, _ in shares] == [0, 1]
    assert shares[1][1] > 0.9
    assert outcome.cpu_seconds > 0


def test_the_folds_of_a_trial_are_not_shown_as_progress_of_the_search(problem, caplog):
    with caplog.at_level(logging.INFO, LOGGER_NAME):
        run_trial(problem, {}, lambda fold, share: fold < 1)
        assert caplog.records == []
        progress(1, 1, "trials of settings")
    assert [record.getMessage() for record in caplog.records] == ["1 of 1 trials of settings"]


def test_a_trial_ends_where_it_is_told_to(problem):
    outcome = run_trial(problem, {"fit.dropout": 0.5}, lambda fold, share: False)
    assert outcome.answers is None
    assert outcome.error == ""


def test_trials_in_processes_are_those_of_this_process(problem, tmp_path):
    space = SpaceConfig(
        learning_rate=(1e-2, 5e-2), dropout=(), epochs=(), text_units=(), image_units=()
    )
    config = TuningConfig(trials=3, sampler="random", folds=2, space=space)
    here = search(problem, config, tmp_path / "here")
    there = search(problem, dataclasses.replace(config, workers=2), tmp_path / "there")
    assert [each.settings for each in here.trials] == [each.settings for each in there.trials]
    for one, other in zip(here.trials, there.trials, strict=True):
        np.testing.assert_array_equal(one.answers.correct, other.answers.correct)
        np.testing.assert_allclose(one.answers.scores, other.answers.scores, atol=1e-3)
