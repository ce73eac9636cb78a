"""Label uncertainty on numbers worked out by hand, and on simulated workers."""

import numpy as np
import pytest

from components.evaluator.label_uncertainty import (
    Stratum,
    expected_accuracy,
    label_probabilities,
    mean_siblings,
)


def test_the_jobs_own_confidence_is_taken_at_its_word():
    strata = [Stratum(10, 0.9, 0.8, 0), Stratum(30, 0.6, 1.0, 0)]
    assert label_probabilities(strata, 4).tolist() == [0.8, 1.0]
    found = expected_accuracy(strata, 4, effective=40)
    # Agreement (9 + 18) / 40 = .675 of labels right in (8 + 30) / 40 = .95.
    assert found.labels == pytest.approx(0.95)
    assert found.value == pytest.approx(0.675 / 0.95)
    # Fréchet: .9 + .8 - 1 and .6; 1 - .1 and .6.
    assert found.least == pytest.approx((10 * 0.7 + 30 * 0.6) / 40)
    assert found.most == pytest.approx((10 * 0.9 + 30 * 0.6) / 40)


def test_one_answer_is_as_good_as_its_worker():
    # Ten answers, each right as far as anybody knows: skill s with s = (10 p + 1) / 12, p = s.
    (right,) = label_probabilities([Stratum(10, 1.0, 1.0, 1)], confusable=1)
    assert right == pytest.approx(0.5, abs=0.01)


def test_odds_against_a_label_by_hand():
    # Where nearly all agree, the skill is nearly (3 n + 1) / (3 n + 2).
    n = 10**6
    split, whole = label_probabilities([Stratum(1, 1, 2 / 3, 3), Stratum(n, 1, 1.0, 3)], 4)
    skill = (3 * n + 2 + 1) / (3 * n + 3 + 2)
    ratio = (1 - skill) / (4 * skill)
    assert (1 - split) / split == pytest.approx(ratio + 3 * ratio**2, rel=0.01)
    assert 1 - whole < 1e-12


@pytest.mark.parametrize(("skill", "off"), [(0.8, 0.02), (0.9, 0.01)])
def test_simulated_workers_are_seen_through(skill, off):
    rng = np.random.default_rng(1)
    n, categories, accuracy = 20_000, 6, 0.9
    answers = np.where(
        rng.random((n, 3)) < skill, 0, rng.integers(1, categories, (n, 3))
    )  # 0 is the truth
    counts = np.stack([(answers == c).sum(axis=1) for c in range(categories)], axis=1)
    label, votes = counts.argmax(axis=1), counts.max(axis=1)
    kept = votes >= 2
    predicted = np.where(rng.random(n) < accuracy, 0, rng.integers(1, categories, n))
    strata = [
        Stratum(int(own.sum()), float((predicted == label)[own].mean()), v / 3, 3)
        for v in (2, 3)
        for own in [kept & (votes == v)]
    ]
    found = expected_accuracy(strata, categories - 1, kept.sum())
    right = (label == 0)[kept].mean()
    agree = (predicted == label)[kept].mean()
    assert found.labels == pytest.approx(right, abs=off)
    assert abs(found.value - accuracy) < 0.6 * abs(agree - accuracy)
    assert found.least - off <= accuracy <= found.most + off


def test_without_products_nothing_is_expected():
    assert expected_accuracy([], 4, 0) is None


def test_siblings_are_counted_from_each_category():
    assert (
        mean_siblings({"mugs": "kitchen", "bowls": "kitchen", "lids": "kitchen", "sofas": "seats"})
        == 1.5
    )
    assert mean_siblings({"mugs": "kitchen", "sofas": "seats"}) == 1.0


def test_categories_directly_below_the_root_are_siblings():
    assert (
        mean_siblings({"mugs": "mugs", "bowls": "bowls", "lids": "lids", "sofas": "seats"}) == 1.5
    )
