"""Labelled products weigh as much as the products that they stand for."""

import numpy as np
import pytest

from shelfsort.training.selection import UNKNOWN, in_words, selection_weights


def test_a_label_weighs_the_inverse_of_its_probability_up_to_a_limit():
    drawn = np.array([1, 0.5, 0.02, UNKNOWN], np.float32)
    factors = selection_weights(drawn, 10)
    np.testing.assert_allclose(factors[1:3] / factors[0], [2, 10])
    assert factors[3] == 1
    assert factors[:3].mean() == pytest.approx(1)


def test_a_weighted_mean_over_labels_is_the_mean_over_what_arrived():
    chance = np.random.default_rng(0)
    easy = chance.random(50_000) < 0.8
    chosen = np.where(easy, chance.random(50_000) < 0.05, True)
    labelled = easy[chosen]
    assert labelled.mean() == pytest.approx(0.17, abs=0.02)
    weights = selection_weights(np.where(labelled, 0.05, 1), 20)
    assert np.average(labelled, weights=weights) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(("probability", "most"), [(UNKNOWN, 50.0), (0.25, 1.0)])
def test_without_probabilities_or_by_default_nothing_is_weighed(probability, most):
    factors = selection_weights(np.full(3, probability, np.float32), most)
    np.testing.assert_array_equal(factors, np.ones(3, np.float32))


def test_what_the_weights_do_is_said_and_also_that_they_do_nothing():
    chosen = np.array([0.0, 1.0, 0.1, 0.01], np.float32)
    assert in_words(chosen, 1.0) == ""
    assert in_words(chosen, 50.0) == (
        "3 products weighted by how likely they were chosen, by 0.049 to 2.5"
    )
    assert "changes nothing" in in_words(np.zeros(3, np.float32), 50.0)
    assert "changes nothing" in in_words(None, 50.0)
