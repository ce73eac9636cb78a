"""Views, mixtures and orders that a tuning sees."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from shelfsort.training.finetuning.augmentation import mixed, random_views, smoothed, whole_views
from shelfsort.training.finetuning.checkpoints import Checkpoints, State
from shelfsort.training.finetuning.classifier import fit_classifier
from shelfsort.training.finetuning.inputs import Order
from shelfsort.training.finetuning.pictures import Pictures


def gradient(side: int = 32) -> tf.Tensor:
    """A square whose red is the column and whose green is the row."""
    row, column = np.indices((side, side))
    return tf.constant(np.stack([column, row, 0 * row], axis=2)[None].repeat(64, axis=0), tf.uint8)


def test_a_mirrored_view_is_the_view_mirrored():
    plain, mirrored = (whole_views(gradient(), 32, each).numpy() for each in (False, True))
    np.testing.assert_allclose(plain, gradient().numpy(), atol=1e-3)
    np.testing.assert_allclose(mirrored, plain[:, :, ::-1], atol=1e-3)


def test_random_views_show_half_of_the_picture_or_more():
    views = random_views(gradient(), 32, tf.constant([1, 2])).numpy()
    wide = np.abs(views[:, 0, 0, 0] - views[:, 0, -1, 0]) / 31
    high = (views[:, -1, 0, 1] - views[:, 0, 0, 1]) / 31
    assert (wide * high > 0.45).all() and (wide * high <= 1.001).all()
    assert 0.6 < (wide * high).mean() < 0.85
    assert 16 < (views[:, 0, 0, 0] > views[:, 0, -1, 0]).sum() < 48


def test_views_depend_on_the_seed_alone():
    one, same, other = (random_views(gradient(), 8, tf.constant([1, n])) for n in (2, 2, 6))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1


def test_mixtures_keep_each_examples_share_of_image_and_label():
    targets = smoothed(tf.constant([0, 1, 2, 0]), 3, 0.0)
    inputs = tf.reshape(tf.cast(targets, tf.float32), [4, 1, 1, 3])
    images, mixture, weights = mixed((inputs, targets, tf.ones(4)), 0.2, tf.constant([0, 1]))
    np.testing.assert_allclose(images[:, 0, 0], mixture, atol=1e-6)
    np.testing.assert_allclose(tf.reduce_sum(mixture, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(weights, 1, atol=1e-6)
    assert (np.diag(mixture.numpy() @ targets.numpy().T) >= 0.5).all()


def test_a_mixture_without_weight_teaches_nothing():
    batch = tf.ones([2, 1]), smoothed(tf.constant([0, 1]), 2, 0.0), tf.zeros(2)
    _, mixture, weights = mixed(batch, 0.2, tf.constant([0, 1]))
    assert np.isfinite(mixture).all() and not np.any(weights)


def test_label_smoothing_spreads_its_share():
    np.testing.assert_allclose(smoothed(tf.constant([1]), 4, 0.2), [[0.05, 0.85, 0.05, 0.05]])


def test_every_pass_shows_every_product_in_another_order():
    order = Order.of(np.arange(100, 110), 4, 2, seed=1)
    assert order.rows.shape == (6, 4) and order.a_pass == 3
    first, second = order.rows[:3].reshape(-1), order.rows[3:].reshape(-1)
    assert sorted(first[:10]) == sorted(second[:10]) == list(range(100, 110))
    assert first.tolist() != second.tolist()
    np.testing.assert_array_equal(first[10:], first[:2])


def test_pictures_are_found_by_row():
    pictures = Pictures([b"one", b"", b"three"])
    assert [pictures[row] for row in (2, 0, 1)] == [b"three", b"one", b""]
    assert [bool(digest) for digest in pictures.digests] == [True, False, True]


def test_the_classifier_is_the_softmax_regression():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    vectors = (rng.normal(size=(200, 5)) + 2 * np.eye(3, 5)[labels]).astype(np.float32)
    kernel, bias = fit_classifier(vectors, np.arange(200), labels, np.ones(200), 3)
    spread = (vectors - vectors.mean(axis=0)).std()
    scaled = (vectors - vectors.mean(axis=0)) / spread
    peer = LogisticRegression(C=10 / 5, max_iter=1000, tol=1e-8).fit(scaled, labels)
    found = vectors @ kernel + bias
    expected = peer.decision_function(scaled)
    np.testing.assert_allclose(
        found - found.mean(axis=1, keepdims=True), expected, rtol=0, atol=0.02
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off"])
def test_a_file_that_cannot_be_read_counts_as_no_checkpoint(tmp_path, content):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.keep_state("k", State(1, 20, [np.ones(2), np.zeros((2, 3))]))
    found = checkpoints.state("k")
    assert found is not None and (found.stage, found.steps) == (1, 20)
    assert [value.shape for value in found.values] == [(2,), (2, 3)]
    (tmp_path / "tuned" / "k-state.npz").write_bytes(content)
    assert checkpoints.state("k") is None
