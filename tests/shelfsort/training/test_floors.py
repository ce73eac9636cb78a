"""Floors of categories, on numbers worked out by hand."""

import numpy as np
import pytest

from shelfsort.stats.thresholds import Trials
from shelfsort.training.floors import above_floors, category_floors


def _floor(scores, correct, groups=None, target=0.9):
    groups = np.arange(len(scores)) if groups is None else np.array(groups)
    shown = _answers(scores, ["hats"] * len(scores), correct, groups)
    return category_floors(shown, ["hats"], target, 0.95, correlation=1.0)["hats"]


def _answers(scores, named, correct, groups) -> Trials:
    arrays = (np.array(scores, float), np.array(named, object), np.array(correct, bool))
    return Trials(*arrays, np.asarray(groups))


def test_a_category_that_is_always_right_has_no_floor():
    assert _floor([0.9, 0.5, 0.2], [1, 1, 1]) == 0.0


def test_a_category_nobody_predicted_has_no_floor():
    assert _floor([], []) == 0.0


def test_answers_are_cut_where_the_target_is_refuted():
    # Were 0.9 true: at most 17 of 20 right has a chance of .32, 17 of 21 .15, 17 of 22 .062 and
    # 17 of 23 .024, the first below .05.
    scores = np.linspace(0.99, 0.5, 23)
    assert _floor(scores, [1] * 17 + [0] * 6) == pytest.approx(scores[21])


def test_one_title_wrong_in_all_its_variants_refutes_nothing():
    scores = np.linspace(0.99, 0.5, 23)
    titles = [*range(17), *[99] * 6]
    assert _floor(scores, [1] * 17 + [0] * 6, titles) == 0.0


def test_a_few_mistakes_refute_nothing():
    assert _floor([0.9, 0.8, 0.7], [1, 0, 1]) == 0.0


def test_a_category_that_is_wrong_from_the_top_abstains():
    # One wrong of one: .1 under the target 0.9, so two in a row are needed: .01.
    assert _floor([0.9, 0.9, 0.7], [0, 0, 0]) is None


def test_tied_scores_pass_together_or_not_at_all():
    scores = [0.9] * 3 + [0.8] * 3
    assert _floor(scores, [1, 1, 1, 0, 0, 0]) == pytest.approx(0.9)


def test_an_answer_passes_from_the_floor_of_its_predicted_category():
    floors = {"a": 0.5, "b": None, "c": 0.0}
    answers = _answers([0.5, 0.4, 0.9, 0.1], ["a", "a", "b", "c"], [True] * 4, range(4))
    assert above_floors(answers, floors).tolist() == [
        True,
        False,
        False,
        True,
    ]
