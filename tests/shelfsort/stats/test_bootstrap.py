"""Coverage under redrawn calibration products."""

import numpy as np
import pytest

from shelfsort.stats.bootstrap import (
    MOST_GROUPS,
    Answers,
    _replicates,
    coverage_change,
    eligible_scores,
)
from shelfsort.stats.paired import sign_flip_p_value
from shelfsort.stats.thresholds import fit_threshold


def answers(accuracy: float, seed: int, eval_scores=None, groups=None, n: int = 2000) -> Answers:
    rng = np.random.default_rng(seed)
    scores = rng.random(n)
    return Answers(
        scores=scores,
        correct=rng.random(n) < accuracy + (1 - accuracy) * scores,
        groups=np.arange(n) if groups is None else groups,
        eval_scores=np.linspace(0, 1, 101) if eval_scores is None else np.asarray(eval_scores),
    )


def test_equal_models_never_differ():
    assert coverage_change(answers(0.9, 1), answers(0.9, 1), 0.95) == (0.0, 0.0)


def test_a_much_better_model_decides_more_in_every_redraw():
    low, high = coverage_change(answers(0.3, 1), answers(0.97, 2), 0.95)
    assert 0 < low <= high


def test_models_as_good_as_each_other_differ_by_chance_either_way():
    low, high = coverage_change(answers(0.9, 1), answers(0.9, 2), 0.95)
    assert low < 0 < high


def test_products_of_one_group_are_drawn_together():
    one = answers(0.9, 1, groups=np.zeros(2000, int))
    other = answers(0.6, 2, groups=np.zeros(2000, int))
    low, high = coverage_change(one, other, 0.95)
    assert low == high


def test_runs_without_a_calibration_product_in_common_are_redrawn_too():
    one, other = answers(0.3, 1, n=1500), answers(0.97, 2, groups=np.arange(5000, 7000))
    assert coverage_change(one, other, 0.95)[0] > 0


def test_without_calibration_products_nothing_is_decided():
    none = answers(0.9, 1, n=0)
    assert coverage_change(none, none, 0.95) == pytest.approx((0, 0))


def test_a_group_drawn_twice_counts_as_two():
    # 30 groups of 2 that are right or wrong together are worth 30 products, too few for a proof;
    # drawn twice each they are worth 60, and 59 are enough.
    few = Answers(np.ones(60), np.ones(60, bool), np.repeat(np.arange(30), 2), np.ones(1), 1.0)
    once, twice = np.arange(60), np.repeat(np.arange(60), 2)
    groups = np.repeat(np.arange(30), 2)
    copies = np.repeat(groups, 2) + 30 * np.tile([0, 1], 60)
    assert few.coverage(once, groups, 0.95) == 0.0
    assert few.coverage(twice, np.repeat(groups, 2), 0.95) == 0.0
    assert few.coverage(twice, copies, 0.95) == 1.0


def test_of_many_products_no_more_than_a_bounded_number_of_groups_is_drawn():
    n = 2 * MOST_GROUPS
    many = Answers(np.ones(n), np.ones(n, bool), np.arange(n), np.ones(1))
    (rows, groups), _ = next(_replicates(many, many))
    assert len(rows) == len(set(groups)) == MOST_GROUPS


def test_what_the_floor_of_its_category_keeps_out_is_never_accepted():
    floors = {"mugs": 0.0, "lids": 0.8, "lamps": None}
    predicted = np.array(["mugs", "lids", "lids", "lamps", "sofas"], object)
    scores = np.array([0.1, 0.79, 0.8, 1.0, 0.2], np.float32)
    kept_out = np.isneginf(eligible_scores(scores, predicted, floors))
    assert kept_out.tolist() == [False, True, False, True, False]


def test_answers_below_their_floor_are_neither_fitted_on_nor_decided():
    low_and_wrong = np.where(np.arange(200) < 100, 1.0, -np.inf)
    kept = Answers(low_and_wrong, np.arange(200) < 100, np.arange(200), low_and_wrong)
    assert kept.coverage(np.arange(200), np.arange(200), 0.95) == 0.5


def equal_models(rng) -> list[Answers]:
    """Two models that see each product's difficulty through noise of their own."""
    difficulty, of_eval = rng.beta(8, 0.6, 744), rng.beta(8, 0.6, 883)
    right = rng.random(744) < difficulty
    return [
        Answers(
            scores=np.clip(difficulty + rng.normal(0, 0.03, 744), 0, 1),
            correct=np.where(rng.random(744) < 0.9, right, rng.random(744) < difficulty),
            groups=np.arange(744),
            eval_scores=np.clip(of_eval + rng.normal(0, 0.03, 883), 0, 1),
        )
        for _ in range(2)
    ]


@pytest.mark.slow
def test_replicates_undo_the_differences_that_a_test_of_eval_products_sees_in_equal_models():
    rng, draws, seen, left = np.random.default_rng(3), 25, 0, 0
    for _ in range(draws):
        models = equal_models(rng)
        values = [fit_threshold(model.scores, model.correct, 0.95) for model in models]
        decided = [
            model.eval_scores >= (np.inf if value is None else value)
            for model, value in zip(models, values, strict=True)
        ]
        if sign_flip_p_value(np.subtract(*np.array(decided, int))) < 0.05 / 12:
            seen += 1
            low, high = coverage_change(*models, 0.95)
            left += low > 0 or high < 0
    assert seen > draws / 3
    assert left <= 2
