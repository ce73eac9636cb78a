import numpy as np
import pytest

from components.serving_check.comparison import (
    classification_differences,
    differences,
    range_problems,
)

PRODUCTS = ["p1", "p2"]


def _answers(**changed):
    answers = {
        "category": np.array([b"boots", b"mugs"], object),
        "score": np.array([0.7, 0.5], np.float32),
        "accepted_95": np.array([True, False]),
        "top_categories": np.array([[b"boots", b"shoes"], [b"mugs", b"plates"]], object),
        "top_scores": np.array([[0.7, 0.2], [0.5, 0.3]], np.float32),
    }
    return {**answers, **{name: np.asarray(values) for name, values in changed.items()}}


def test_equal_answers_do_not_differ_and_are_in_range():
    assert differences(_answers(), _answers(), PRODUCTS, 1e-4) == []
    assert range_problems(_answers(), PRODUCTS) == []


def test_scores_may_differ_by_the_tolerance_and_no_more():
    near, far = np.float32([0.70005, 0.5]), np.float32([0.7002, 0.5])
    assert differences(_answers(), _answers(score=near), PRODUCTS, 1e-4) == []
    (problem,) = differences(_answers(), _answers(score=far), PRODUCTS, 1e-4)
    assert problem.startswith("score of p1: 0.7002")
    assert problem.endswith("(1 of 2 products)")


@pytest.mark.parametrize(
    ("changed", "phrase"),
    [
        ({"category": np.array([b"boots", b"plates"], object)}, "category of p2: 'plates', not"),
        ({"accepted_95": [True, True]}, "accepted_95 of p2: True, not False"),
        ({"score": np.float32([0.7, np.nan])}, "score of p2: nan, not 0.5"),
        ({"score": np.float32([0.7])}, "score: shape (1,), not (2,)"),
    ],
)
def test_a_difference_names_output_product_and_values(changed, phrase):
    (problem,) = differences(_answers(), _answers(**changed), PRODUCTS, 1e-4)
    assert problem.startswith(phrase)


def test_two_categories_with_the_same_score_may_change_places():
    tied = {"top_scores": np.float32([[0.45, 0.45], [0.5, 0.3]]), "score": np.float32([0.45, 0.5])}
    swapped = {
        "category": np.array([b"shoes", b"mugs"], object),
        "top_categories": np.array([[b"shoes", b"boots"], [b"mugs", b"plates"]], object),
    }
    assert differences(_answers(**tied), _answers(**tied, **swapped), PRODUCTS, 1e-4) == []
    assert differences(_answers(), _answers(**swapped), PRODUCTS, 1e-4) != []


def test_a_decision_may_differ_only_where_the_score_came_out_a_little_differently():
    decided = {"accepted_95": [True, True]}
    rounded = {"score": np.float32([0.7, 0.50001])}
    assert differences(_answers(), _answers(**decided, **rounded), PRODUCTS, 1e-4) == []
    (problem,) = differences(_answers(), _answers(**decided), PRODUCTS, 1e-4)
    assert problem.startswith("accepted_95 of p2")


def test_the_last_rank_may_go_to_another_category_with_the_same_score():
    names = np.array([[b"boots", b"sandals"], [b"mugs", b"plates"]], object)
    assert differences(_answers(), _answers(top_categories=names), PRODUCTS, 1e-4) == []
    higher = np.float32([[0.7, 0.25], [0.5, 0.3]])
    (problem,) = differences(
        _answers(), _answers(top_categories=names, top_scores=higher), PRODUCTS, 1e-4
    )
    assert problem == "top_scores of p1: 'sandals' 0.25, not None"


@pytest.mark.parametrize(
    ("changed", "phrase"),
    [
        ({"score": np.float32([0.7, np.inf])}, "score of p2 is outside 0..1"),
        ({"score": np.float32([-0.1, 0.5])}, "score of p1 is outside 0..1"),
        ({"score": np.float32(0.7)}, "score has shape () for 2 products"),
        ({"top_scores": np.float32([[0.7, 0.2], [0.5, 0.6]])}, "top_scores of p2 do not fall"),
        ({"score": np.float32([0.7, 0.4])}, "the first of top_categories of p2 is not its"),
        ({"top_scores": np.float32([[0.7], [0.5]])}, "top_categories (2, 2) and top_scores (2, 1)"),
    ],
)
def test_what_is_no_probability_or_no_ranking_is_named(changed, phrase):
    assert range_problems(_answers(**changed), PRODUCTS)[0].startswith(phrase)


def test_classification_may_list_categories_in_any_order():
    classified = {
        "classes": np.array([[b"shoes", b"boots", b"mugs", b"plates"]] * 2, object),
        "scores": np.float32([[0.2, 0.7, 0.1, 0.0], [0.1, 0.1, 0.5, 0.3]]),
    }
    assert classification_differences(_answers(), classified, PRODUCTS, 1e-4) == []
    classified["scores"][1, 2] = 0.4
    (problem,) = classification_differences(_answers(), classified, PRODUCTS, 1e-4)
    assert problem.startswith("scores of p2: 'mugs' has 0.4")


def test_classification_without_the_best_category_is_a_difference():
    classified = {
        "classes": np.array([[b"shoes"], [b"mugs"]], object),
        "scores": np.float32([[0.2], [0.5]]),
    }
    (problem,) = classification_differences(_answers(), classified, PRODUCTS, 1e-4)
    assert problem.startswith("scores of p1: 'boots' has None")
