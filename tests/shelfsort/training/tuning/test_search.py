"""The search: what it counts, keeps and resumes, with trials that cost nothing."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from shelfsort.core.errors import InputError, RunFailed
from shelfsort.training.tuning import workers
from shelfsort.training.tuning.search import search
from shelfsort.training.tuning.settings import SpaceConfig, TuningConfig
from shelfsort.training.tuning.trial import Outcome
from tests.fixtures.searching import cheap_trial, empty_problem

CONFIG = TuningConfig(trials=9, folds=3, space=SpaceConfig(text_units=(), image_units=()))


@pytest.fixture
def cheap(monkeypatch):
    monkeypatch.setattr(workers, "run_trial", cheap_trial)


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_the_best_settings_are_found_and_the_configured_ones_are_the_first_trial(
    cheap, tmp_path, sampler
):
    found = search(empty_problem(), replace(CONFIG, sampler=sampler), tmp_path)
    assert [each.number for each in found.trials] == list(range(9))
    assert found.trials[0].settings == {}
    assert found.trials[0].state == "complete"
    assert found.complete[0][0].number == 0
    reached = {each.number: answers.coverage for each, answers in found.complete}
    assert reached[found.best.number] == max(reached.values()) > reached[0]
    assert {each.state for each in found.trials} <= {"complete", "pruned"}
    assert not any("text.units" in each.settings for each in found.trials)


def test_a_grid_ends_with_its_points(cheap, tmp_path):
    space = replace(CONFIG.space, dropout=(), epochs=())
    found = search(empty_problem(), replace(CONFIG, sampler="grid", space=space), tmp_path)
    rates = [each.settings.get("fit.learning_rate") for each in found.trials]
    assert rates[0] is None
    assert sorted(rates[1:]) == [5e-4, 0.002, 8e-3]


def test_hopeless_trials_end_early_unless_told_not_to(monkeypatch, tmp_path):
    def worse_and_worse(_, settings, go_on):
        quality = 0.9 - (0.1 if settings else 0) - settings.get("fit.dropout", 0)
        if not go_on(0, quality):
            return Outcome(None, 0.1)
        return cheap_trial(_, settings, lambda *_: True)

    monkeypatch.setattr(workers, "run_trial", worse_and_worse)
    space = replace(CONFIG.space, epochs=(), learning_rate=(), dropout=(0.0, 0.5))
    grid = replace(CONFIG, sampler="grid", grid_points=9, space=space)
    found = search(empty_problem(), grid, tmp_path / "pruned")
    ended = [each.settings["fit.dropout"] for each in found.trials if each.state == "pruned"]
    assert ended
    assert min(ended) > 0.1
    whole = search(empty_problem(), replace(grid, pruning=False), tmp_path / "whole")
    assert {each.state for each in whole.trials} == {"complete"}


def test_one_seed_gives_the_same_trials_and_another_seed_others(cheap, tmp_path):
    def settings(name, seed):
        found = search(empty_problem(), replace(CONFIG, trials=3, seed=seed), tmp_path / name)
        return [each.settings for each in found.trials]

    first = settings("first", 1)
    assert settings("again", 1) == first
    assert settings("other", 2) != first


def test_more_trials_go_on_where_a_search_ended(cheap, tmp_path):
    before = search(empty_problem(), replace(CONFIG, trials=5), tmp_path)
    after = search(empty_problem(), CONFIG, tmp_path)
    assert (before.kept, after.kept) == (0, 5)
    assert len(after.trials) == 9
    assert [each.settings for each in after.trials[:5]] == [e.settings for e in before.trials]
    assert len({str(each.settings) for each in after.trials}) == 9
    assert search(empty_problem(), CONFIG, tmp_path).kept == 9


def test_a_fit_that_breaks_is_a_failed_trial(monkeypatch, tmp_path):
    def breaking(_, settings, go_on):
        if settings and settings["fit.dropout"] > 0.35:
            return Outcome(None, 0.1, "FloatingPointError: overflow")
        return cheap_trial(_, settings, go_on)

    monkeypatch.setattr(workers, "run_trial", breaking)
    found = search(empty_problem(), CONFIG, tmp_path)
    failed = [each for each in found.trials if each.state == "failed"]
    assert failed
    assert all(each.settings["fit.dropout"] > 0.35 for each in failed)
    assert failed[0].error == "FloatingPointError: overflow"
    assert len(found.trials) == 9


def test_configured_settings_that_break_end_the_search(monkeypatch, tmp_path):
    monkeypatch.setattr(workers, "run_trial", lambda *_: Outcome(None, 0.1, "ValueError: no"))
    with pytest.raises(InputError, match="ValueError: no"):
        search(empty_problem(), replace(CONFIG, trials=2), tmp_path)


def test_a_damaged_study_is_said_in_a_line(cheap, tmp_path):
    (tmp_path / "study.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(InputError, match="study"):
        search(empty_problem(), CONFIG, tmp_path)


@pytest.mark.parametrize("damage", [None, b"", b"PK, and no archive"])
def test_a_study_without_the_answers_of_its_trials_is_said_in_a_line(cheap, tmp_path, damage):
    few = replace(CONFIG, trials=2)
    search(empty_problem(), few, tmp_path)
    answers = tmp_path / "trial-1.npz"
    answers.unlink()
    if damage is not None:
        answers.write_bytes(damage)
    with pytest.raises(InputError, match="the study of the search cannot be used"):
        search(empty_problem(), few, tmp_path)


def test_a_study_that_can_no_longer_be_written_fails_in_a_line(monkeypatch, tmp_path):
    def losing_the_disk(_, settings, go_on):
        with contextlib.closing(sqlite3.connect(tmp_path / "study.sqlite")) as study:
            study.execute("DROP TABLE trial_user_attributes")
        return cheap_trial(_, settings, go_on)

    monkeypatch.setattr(workers, "run_trial", losing_the_disk)
    with pytest.raises(RunFailed, match=r"cannot be written .*finished trials are kept"):
        search(empty_problem(), replace(CONFIG, trials=2), tmp_path)


_SLOW_SEARCH = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.fixtures.searching import cheap_trial, empty_problem
from tests.shelfsort.training.tuning.test_search import CONFIG
from shelfsort.training.tuning import workers
from shelfsort.training.tuning.search import search

def slow(problem, settings, go_on):
    print("trial", flush=True)
    time.sleep(0.3)
    return cheap_trial(problem, settings, go_on)

workers.run_trial = slow
search(empty_problem(), CONFIG, Path({folder!r}))
"""


@pytest.mark.slow
def test_a_killed_search_keeps_its_trials_and_repeats_the_one_under_way(cheap, tmp_path):
    root = str(Path(__file__).parents[4])
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW_SEARCH.format(root=root, folder=str(tmp_path))],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout
    for _ in range(4):
        assert process.stdout.readline() == b"trial\n"
    # In the middle of the fourth trial.
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()

    found = search(empty_problem(), CONFIG, tmp_path)
    assert found.kept == 3
    assert len(found.trials) == 9
    # The trial that was killed is not counted, and its settings were tried again.
    assert [each.number for each in found.trials[:3]] == [0, 1, 2]
    assert 3 not in [each.number for each in found.trials]
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path / 'study.sqlite'}")
    killed = study.get_trials()[3]
    assert killed.state == optuna.trial.TrialState.FAIL
    assert killed.user_attrs["settings"] == found.trials[3].settings
    assert all(each.answers for each in found.trials if each.state == "complete")
