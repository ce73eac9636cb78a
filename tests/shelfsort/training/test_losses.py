"""Losses by hand: -log of a leaf's probability, and of the summed ones below an inner category."""

import numpy as np
import pytest
import tensorflow as tf

from shelfsort.training.losses import cross_entropies, inner_cross_entropies

# Probabilities .1, .2, .3 and .4.
LOGITS = np.log(np.array([[1.0, 2.0, 3.0, 4.0]], np.float32))
# Rows: the first two leaves, the last one alone, and all.
BELOW = tf.cast([[1, 1, 0, 0], [0, 0, 0, 1], [1, 1, 1, 1]], tf.bool)


def losses(*labels, smoothing=0.0):
    logits = tf.repeat(tf.constant(LOGITS), len(labels), axis=0)
    return inner_cross_entropies(logits, tf.constant(labels, tf.int32), BELOW, smoothing).numpy()


def test_an_inner_category_has_the_summed_probability_of_the_leaves_below():
    assert losses(4) == pytest.approx(-np.log(0.3), abs=1e-6)


def test_a_category_with_one_leaf_below_has_the_loss_of_the_leaf():
    assert losses(5) == pytest.approx(losses(3), abs=1e-6)


def test_a_category_above_all_leaves_says_nothing():
    assert losses(6) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_leaves_have_the_loss_that_they_have_without_inner_categories(smoothing):
    expected = cross_entropies(tf.repeat(tf.constant(LOGITS), 4, axis=0), tf.range(4), smoothing)
    assert losses(0, 1, 2, 3, smoothing=smoothing) == pytest.approx(expected.numpy(), abs=1e-6)


def test_smoothing_spreads_a_share_of_an_inner_category_over_all_leaves():
    spread = -np.log([0.1, 0.2, 0.3, 0.4]).mean()
    assert losses(4, smoothing=0.2) == pytest.approx(-0.8 * np.log(0.3) + 0.2 * spread, abs=1e-6)


def test_the_gradient_raises_leaves_below_as_far_as_they_are_likely_already():
    logits = tf.Variable(LOGITS)
    with tf.GradientTape() as tape:
        loss = inner_cross_entropies(logits, tf.constant([4]), BELOW, 0.0)
    # Probabilities less those given that it is one of the first two: 1/3 and 2/3.
    expected = [[0.1 - 1 / 3, 0.2 - 2 / 3, 0.3, 0.4]]
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, atol=1e-6)


def test_very_unlikely_leaves_have_a_finite_gradient():
    logits = tf.Variable([[-200.0, -200.0, 0.0, 100.0]])
    with tf.GradientTape() as tape:
        loss = inner_cross_entropies(logits, tf.constant([4]), BELOW, 0.0)
    assert loss.numpy() == pytest.approx(300 - np.log(2), rel=1e-5)
    np.testing.assert_allclose(tape.gradient(loss, logits), [[-0.5, -0.5, 0, 1]], atol=1e-6)
