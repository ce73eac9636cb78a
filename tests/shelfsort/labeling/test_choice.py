import numpy as np
import pytest

from shelfsort.labeling import choice
from shelfsort.labeling.answers import Answers
from shelfsort.labeling.choice import PEOPLE_ONLY, consolidate_by, correct
from tests.shelfsort.labeling.crowds import accuracy, drawn_crowd

SKILLS = [0.95, 0.9, 0.85, 0.6, 0.4, 0.35]


def test_without_gold_auto_takes_partial_pooling_and_with_scores_the_model():
    answers, _ = drawn_crowd(SKILLS)
    assert consolidate_by("auto", answers).method == "pooled"
    equal = np.full(answers.shape, 1 / 3)
    assert consolidate_by("auto", answers, scores=equal).method == "model_assisted"


def test_a_method_that_gold_proves_better_replaces_the_first_choice(monkeypatch):
    answers, truth = drawn_crowd(SKILLS, tasks=100)
    best = PEOPLE_ONLY["wawa"](answers)
    upside_down = type(best)(1 - best.posteriors, best.others, best.skills)
    monkeypatch.setitem(choice.PEOPLE_ONLY, "pooled", lambda _: upside_down)
    found = consolidate_by("auto", answers, truth)
    assert found.method != "pooled"
    assert found.right[found.method] == max(found.right.values()) > found.right["pooled"]
    assert found.gold == 100


def test_a_better_figure_that_chance_explains_changes_nothing():
    for seed in range(8):
        answers, truth = drawn_crowd(SKILLS, seed=seed)
        few = {task: truth[task] for task in list(truth)[:50]}
        found = consolidate_by("auto", answers, few)
        gain = max(found.right.values()) - found.right["pooled"]
        assert found.method == "pooled" or gain >= 5


def test_gold_fits_nothing():
    answers, truth = drawn_crowd(SKILLS)
    alone = consolidate_by("dawid_skene", answers)
    judged = consolidate_by("dawid_skene", answers, truth)
    assert np.array_equal(alone.fit.posteriors, judged.fit.posteriors)
    share = judged.right["dawid_skene"] / judged.gold
    assert share == pytest.approx(accuracy(answers, alone.fit.posteriors, truth), abs=0.01)


def test_a_tie_is_right_in_part_and_gold_of_other_tasks_does_not_count():
    answers = Answers.of([("1", "x", "a"), ("1", "y", "b"), ("2", "x", "a")])
    fit = PEOPLE_ONLY["majority"](answers)
    assert correct(answers, fit, {"1": "b", "2": "c", "9": "a"}).tolist() == [0.5, 0]


def test_matrices_that_do_not_fit_are_refused_and_auto_does_without(monkeypatch):
    monkeypatch.setattr(choice, "_MOST_CELLS", 1500)
    answers, _ = drawn_crowd(SKILLS)
    assert consolidate_by("auto", answers).method == "one_coin"
    with pytest.raises(ValueError, match="pooled on 120 tasks"):
        consolidate_by("pooled", answers)


@pytest.mark.parametrize("method", ["model_assisted", "best"])
def test_a_method_that_cannot_run_is_named(method):
    answers, _ = drawn_crowd(SKILLS)
    with pytest.raises(ValueError, match=method):
        consolidate_by(method, answers)
