"""The simulated crowd: each worker as skilled as declared, majorities right but not always."""

from random import Random

import pytest

from demo.shelves import SHELVES
from demo.workers import CROWD, answers, majority
from shelfsort.products.manifest.annotations import Annotation


@pytest.mark.parametrize("hard", [False, True])
def test_each_worker_is_as_often_right_as_their_skill_says(hard):
    rng = Random(1)
    rounds = [(shelf, answers(shelf, rng, hard=hard)) for _ in range(400) for shelf in SHELVES]
    for place, worker in enumerate(CROWD):
        right = sum(given[place].label == shelf.path for shelf, given in rounds) / len(rounds)
        skill = worker.skill_when_hard if hard else worker.skill
        assert right == pytest.approx(skill, abs=0.02)


def test_some_majorities_are_wrong_and_hardly_any_where_there_is_much_to_go_by():
    rng = Random(2)
    share_wrong = {}
    for hard in (False, True):
        agreed = [
            (label, shelf.path)
            for shelf in SHELVES * 400
            for label, share in [majority(answers(shelf, rng, hard=hard))]
            if share > 0.5
        ]
        share_wrong[hard] = sum(label != path for label, path in agreed) / len(agreed)
    assert share_wrong[False] < 0.01
    assert 0.2 < share_wrong[True] < 0.5


def test_majority_takes_the_most_frequent_label_and_its_share():
    assert majority([Annotation("a", "x"), Annotation("b", "y"), Annotation("c", "y")]) == (
        "y",
        2 / 3,
    )


def test_majority_of_three_different_labels_has_a_third_of_the_answers():
    assert majority([Annotation("a", "x"), Annotation("b", "y"), Annotation("c", "z")]) == (
        "x",
        1 / 3,
    )


def test_majority_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no answers"):
        majority([])
