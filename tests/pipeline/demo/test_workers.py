"""The simulated crowd: each worker as skilled as declared, majorities right but not always."""

from random import Random

import pytest

from pipeline.demo.shelves import SHELVES
from pipeline.demo.workers import CROWD, Answer, answers, majority


def test_each_worker_is_as_often_right_as_their_skill_says():
    rng = Random(1)
    rounds = [(shelf, answers(shelf, rng)) for _ in range(400) for shelf in SHELVES]
    for place, worker in enumerate(CROWD):
        right = sum(given[place].label == shelf.path for shelf, given in rounds) / len(rounds)
        assert right == pytest.approx(worker.skill, abs=0.02)


def test_two_or_three_majorities_in_a_hundred_are_wrong():
    rng = Random(2)
    wrong = agreed = 0
    for _ in range(400):
        for shelf in SHELVES:
            label, share = majority(answers(shelf, rng))
            if share > 0.5:
                agreed += 1
                wrong += label != shelf.path
    assert 0.015 < wrong / agreed < 0.035


def test_majority_takes_the_most_frequent_label_and_its_share():
    assert majority([Answer("a", "x"), Answer("b", "y"), Answer("c", "y")]) == ("y", 2 / 3)


def test_majority_of_three_different_labels_has_a_third_of_the_answers():
    assert majority([Answer("a", "x"), Answer("b", "y"), Answer("c", "z")]) == ("x", 1 / 3)


def test_majority_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no answers"):
        majority([])
