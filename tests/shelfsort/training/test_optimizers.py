"""Steps of the optimizers, against Keras' and by hand."""

import numpy as np
import pytest


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adamw_takes_the_steps_that_keras_takes(decay):
    import keras
    import tensorflow as tf

    from shelfsort.training.optimizers import AdamW

    start, gradients = np.array([[1.0, -2.0]]), ([[0.3, 0.0]], [[-0.1, 2.0]], [[0.5, 1.0]])
    ours = tf.Variable(start, dtype=tf.float32)
    theirs = keras.Variable(start, dtype="float32")
    adam, reference = AdamW(ours, decay), keras.optimizers.AdamW(0.02, weight_decay=decay)
    for number, gradient in enumerate(gradients, 1):
        adam.apply(tf.constant(gradient), tf.constant(0.02), tf.constant(float(number)))
        reference.apply([tf.constant(gradient)], [theirs])
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5)


def test_adagrad_divides_by_the_root_of_all_squares_and_leaves_other_rows():
    import tensorflow as tf

    from shelfsort.training.optimizers import SparseAdagrad

    table = tf.Variable(np.ones((3, 1), np.float32))
    adagrad = SparseAdagrad(table)
    for gradient in (3.0, 4.0):
        adagrad.apply(tf.constant([1]), tf.constant([[gradient]]), tf.constant(0.1))
    # 1 - 0.1 * 3 / 3 - 0.1 * 4 / 5
    np.testing.assert_allclose(table.numpy(), [[1], [0.82], [1]], rtol=1e-5)
