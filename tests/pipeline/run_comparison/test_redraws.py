"""Coverage under redrawn calibration products."""

import numpy as np
import pytest

from pipeline.run_comparison.redraws import Answers, coverage_change


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
