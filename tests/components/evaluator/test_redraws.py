"""Coverage under redrawn calibration products."""

import numpy as np
import pytest

from components.evaluator.redraws import Answers, coverage_change
from components.paired_test import sign_flip_p_value
from components.trainer.thresholds import fit_threshold


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
def test_redraws_undo_the_differences_that_a_test_of_eval_products_sees_in_equal_models():
    rng, draws, seen, left = np.random.default_rng(3), 25, 0, 0
    for _ in range(draws):
        models = equal_models(rng)
        values = [fit_threshold(model.scores, model.correct, 0.95).value for model in models]
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
