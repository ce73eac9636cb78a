"""Losses of logits against labels, which are leaves or inner categories."""

import numpy as np
import tensorflow as tf

from shelfsort.training.dataset import Products


class Targets:
    """What the logits are to say, and the loss of what they say instead.

    Args:
        smoothing: of the labels.
        inner: whether some labels are inner categories.
    """

    def __init__(self, smoothing: float, inner: bool):
        self._smoothing = smoothing
        self._below = tf.Variable(tf.zeros([0, 0], tf.bool), shape=[None, None]) if inner else None

    def begin(self, products: Products) -> None:
        """Takes the leaves below the inner categories that products are labelled with."""
        if self._below is not None and products.inner is not None:
            self._below.assign(products.inner.below)

    def loss(self, logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Mean of weighted losses: (m, K), (m,) ints as `Products.targets`, (m,) → scalar."""
        losses = (
            cross_entropies(logits, labels, self._smoothing)
            if self._below is None
            else inner_cross_entropies(logits, labels, self._below, self._smoothing)
        )
        return tf.reduce_mean(weights * losses)


def cross_entropies(logits: tf.Tensor, labels: tf.Tensor, smoothing: float) -> tf.Tensor:
    """(m,) cross-entropies with smoothed one-hot targets."""
    categories = tf.shape(logits)[-1]
    targets = tf.one_hot(labels, categories) * (1 - smoothing)
    targets += smoothing / tf.cast(categories, tf.float32)
    return tf.nn.softmax_cross_entropy_with_logits(targets, logits)


def inner_cross_entropies(
    logits: tf.Tensor, labels: tf.Tensor, below: tf.Tensor, smoothing: float
) -> tf.Tensor:
    """(m,) losses: -log of the label's probability, or of the summed ones below an inner category.

    Args:
        logits: (m, K).
        labels: (m,) int32 in [0, K + nodes); from K on, a row of `below`.
        below: (nodes, K) bool, at least one in each row.
        smoothing: share of a label that is spread over all categories.
    """
    categories = tf.shape(logits)[-1]
    node = tf.maximum(labels - categories, 0)
    leaf = tf.cast(tf.one_hot(labels, categories), tf.bool)
    open_ = tf.where((labels >= categories)[:, tf.newaxis], tf.gather(below, node), leaf)
    logs = tf.nn.log_softmax(logits)
    meant = tf.reduce_logsumexp(tf.where(open_, logs, -np.inf), axis=-1)
    return -(1 - smoothing) * meant - smoothing * tf.reduce_mean(logs, axis=-1)
