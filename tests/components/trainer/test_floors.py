"""Floors of categories, on numbers worked out by hand."""

import numpy as np
import pytest

from components.trainer.floors import above_floors, category_floors


def _floor(scores, correct, target=0.95):
    predicted = np.full(len(scores), "hats", object)
    return category_floors(
        np.array(scores, float), predicted, np.array(correct, bool), ["hats"], target
    )["hats"]


def test_a_category_that_is_always_right_has_no_floor():
    assert _floor([0.9, 0.5, 0.2], [1, 1, 1]) == 0.0


def test_a_category_nobody_predicted_has_no_floor():
    assert _floor([], []) == 0.0


def test_answers_below_the_last_score_that_reaches_the_target_are_cut():
    # 40 right and 2 wrong above 0.5: (40 + 9.5) / 52 = .952; one more wrong: 49.5 / 53 = .934.
    scores = np.linspace(0.99, 0.5, 43)
    assert _floor(scores, [1] * 40 + [0] * 3) == pytest.approx(scores[41])


def test_a_category_that_is_wrong_from_the_top_abstains():
    assert _floor([0.9, 0.8, 0.7], [0, 0, 0]) is None


def test_tied_scores_pass_together_or_not_at_all():
    assert _floor([0.9, 0.8, 0.8], [1, 1, 0]) == pytest.approx(0.9)


def test_scores_below_their_categorys_floor_become_zero():
    floors = {"a": 0.5, "b": None, "c": 0.0}
    kept = above_floors(np.array([0.6, 0.4, 0.9, 0.1]), np.array(["a", "a", "b", "c"]), floors)
    assert kept.tolist() == [0.6, 0.0, 0.0, 0.1]
