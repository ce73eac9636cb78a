import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

from shelfsort.labeling.agreement import (
    agreement_figures,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    raw_agreement,
    tree_distance,
)
from shelfsort.labeling.answers import Answers
from shelfsort.labeling.consensus import paths_above
from tests.shelfsort.labeling.crowds import drawn_crowd


def test_alpha_of_two_observers_is_as_worked_by_hand():
    # Krippendorff (2011), section A: ten items, binary, alpha = 0.095.
    one, other = "0100000010", "0110010100"
    rows = [
        (f"{n}", worker, label)
        for worker, given in (("a", one), ("b", other))
        for n, label in enumerate(given)
    ]
    assert krippendorff_alpha(Answers.of(rows)) == pytest.approx(0.095, abs=5e-4)


def test_fleiss_kappa_equals_that_of_statsmodels():
    answers, _ = drawn_crowd([0.8, 0.7, 0.9, 0.6], tasks=50, each=3)
    assert fleiss_kappa(answers) == pytest.approx(statsmodels_fleiss(answers.votes()), abs=1e-12)


def test_cohen_kappa_of_two_workers_equals_that_of_scikit_learn():
    answers, _ = drawn_crowd([0.8, 0.7], tasks=60, each=2)
    given = [answers.label[answers.worker == worker] for worker in (0, 1)]
    assert cohen_kappa(answers) == pytest.approx(cohen_kappa_score(*given), abs=1e-12)


def test_agreement_is_the_share_of_equal_pairs():
    answers = Answers.of(
        [("1", "x", "a"), ("1", "y", "a"), ("1", "z", "b"), ("2", "x", "b"), ("2", "y", "b")]
    )
    assert raw_agreement(answers) == pytest.approx((1 / 3 + 1) / 2)


def test_siblings_are_nearer_than_strangers():
    distance = tree_distance(paths_above)
    assert distance("A > B > C", "A > B > D") == pytest.approx(1 / 3)
    assert distance("A > B", "A > B > C") == pytest.approx(1 / 3)
    assert distance("A > B", "C > D") == 1
    assert distance("A", "A") == 0
    rows = [("1", "x", "A > B"), ("1", "y", "A > C"), ("2", "x", "D > E"), ("2", "y", "D > E")]
    answers = Answers.of([*rows, ("3", "x", "A > B"), ("3", "y", "A > B")])
    assert krippendorff_alpha(answers, distance) > krippendorff_alpha(answers)


def test_where_nothing_can_disagree_there_is_no_figure():
    alone = Answers.of([("1", "x", "a"), ("2", "y", "b")])
    equal = Answers.of([("1", "x", "a"), ("1", "y", "a")])
    for figure in (fleiss_kappa, cohen_kappa, krippendorff_alpha):
        assert math.isnan(figure(alone))
        assert math.isnan(figure(equal))
    assert math.isnan(raw_agreement(alone))
    assert np.isclose(raw_agreement(equal), 1)


@pytest.mark.slow
def test_figures_have_intervals_that_hold_the_truth():
    inside = 0
    for seed in range(8):
        answers, _ = drawn_crowd([0.8] * 6, tasks=100, each=3, seed=seed)
        figures, intervals = agreement_figures(answers, lambda one, other: float(one != other))
        assert figures["alpha_tree"] == pytest.approx(krippendorff_alpha(answers))
        assert set(intervals) == set(figures)
        low, high = intervals["raw"]
        # Two workers of three labels agree with .8² + 2 · .1².
        inside += low <= 0.66 <= high
    assert inside >= 6


def test_a_figure_without_a_second_answer_has_no_interval():
    answers = Answers.of([("t", "v", "a"), ("u", "w", "b")])
    figures, intervals = agreement_figures(answers, lambda one, other: 1.0)
    assert np.isnan([figures["alpha"], *intervals["alpha"]]).all()
